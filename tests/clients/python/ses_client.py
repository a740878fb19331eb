"""The library boto3, with SES in version 2."""

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from cases import FROM, HEADERS, PEOPLE, SUBJECT, TEXT, given, tell


def attempt():
    client = boto3.client(
        "sesv2",
        region_name="eu-south-1",
        endpoint_url=given["url"],
        aws_access_key_id=given["access_key"],
        aws_secret_access_key=given["secret_key"],
        config=Config(retries={"total_max_attempts": 1}),
    )
    listed = [{"Name": name, "Value": value} for name, value in HEADERS.items()]
    simple = {"Subject": {"Data": SUBJECT}, "Body": {"Text": {"Data": TEXT}}, "Headers": listed}
    try:
        sent = client.send_email(
            FromEmailAddress=FROM, Destination={"ToAddresses": PEOPLE}, Content={"Simple": simple}
        )
    except ClientError as error:
        told = error.response
        return {
            "raised": type(error).__name__,
            **told["Error"],
            "status": told["ResponseMetadata"]["HTTPStatusCode"],
        }
    return {"id": sent["MessageId"], "status": sent["ResponseMetadata"]["HTTPStatusCode"]}


tell(attempt)

import sgMail from "@sendgrid/mail";
import { from, given, headers, people, subject, tell, text } from "./cases.mjs";

sgMail.setApiKey("SG." + given.key);
sgMail.setApiKey(given.key);
sgMail.client.setDefaultRequest("baseUrl", given.url + "/");

await tell(async () => {
  const personalizations = people.map((email) => ({ to: [{ email }], substitutions: { name: email } }));
  const [response] = await sgMail.send({ personalizations, from, subject, text, headers });
  return { status: response.statusCode, id: response.headers["x-message-id"] };
});

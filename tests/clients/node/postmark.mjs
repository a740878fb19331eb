import { ServerClient } from "postmark";
import { from, given, headers, people, subject, tell, text } from "./cases.mjs";

const client = new ServerClient(given.token, { requestHost: given.host, useHttps: false });

await tell(async () => {
  const Headers = Object.entries(headers).map(([Name, Value]) => ({ Name, Value }));
  const messages = people.map((To) => ({ From: from, To, Subject: subject, TextBody: text, Headers }));
  if (people.length > 1) return { batch: await client.sendEmailBatch(messages) };
  return await client.sendEmail(messages[0]);
});

import FormData from "form-data";
import Mailgun from "mailgun.js";
import { from, given, headers, people, subject, tell, text } from "./cases.mjs";

const client = new Mailgun(FormData).client({ username: "api", key: given.key, url: given.url });

await tell(async () => {
  const extra = Object.fromEntries(Object.entries(headers).map(([name, value]) => ["h:" + name, value]));
  const variables = Object.fromEntries(people.map((one) => [one, { name: one }]));
  const sent = await client.messages.create("mg.acme.test", {
    from, to: people, subject, text: text + " %recipient.name%", ...extra,
    "recipient-variables": JSON.stringify(variables),
    attachment: { filename: "a.txt", data: Buffer.from("agenda") },
  });
  const events = await client.events.get("mg.acme.test", { event: "failed", limit: 100 });
  return { status: sent.status, id: sent.id, message: sent.message,
           failed: events.items.map((one) => [one.recipient, one.reason]) };
});

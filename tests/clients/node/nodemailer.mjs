import nodemailer from "nodemailer";
import { from, given, headers, people, subject, tell, text } from "./cases.mjs";

const transport = nodemailer.createTransport({
  host: "127.0.0.1", port: given.smtp, secure: false, ignoreTLS: true,
  auth: { user: given.user, pass: given.secret },
});

await tell(async () => {
  const sent = await transport.sendMail({ from, to: people, subject, text, headers });
  return { accepted: sent.accepted, rejected: sent.rejected, response: sent.response, id: sent.messageId };
});

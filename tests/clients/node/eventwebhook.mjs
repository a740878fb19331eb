// SendGrid's own check of its Event Webhook, about what comes in on stdin.
import { readFileSync } from "node:fs";
import webhook from "@sendgrid/eventwebhook";

const { key, body, signature, timestamp } = JSON.parse(readFileSync(0));
const hook = new webhook.EventWebhook();
console.log(hook.verifySignature(hook.convertPublicKeyToECDSA(key), body, signature, timestamp));

import { UnipileClient } from "unipile-node-sdk";
import { given, tell } from "./cases.mjs";

const client = new UnipileClient(given.url, given.key);
const account_id = "acc_1";
const text = "Thank you for your question about the workshop: it begins at nine.";

const CASES = {
  accepted: () => client.users.sendInvitation({ account_id, provider_id: "ACoAAexample01", message: text }),
  refused: () => client.users.sendInvitation({ account_id, provider_id: "ACoAAexample02" }),
  held: () => client.messaging.startNewChat({ account_id, text, attendees_ids: ["ACoAAexample03"] }),
  mixed: async () => {
    const attendees_ids = ["ACoAAexample03", "ACoAAexample04"];
    const chat = await client.messaging.startNewChat({ account_id, text, attendees_ids });
    const next = await client.messaging.sendMessage({ chat_id: chat.chat_id, text });
    return { chat, next };
  },
};
await tell(CASES[process.env.CASE]);

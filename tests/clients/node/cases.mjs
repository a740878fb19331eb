// What each case sends, the same for every client; a client adds how it is said.
export const given = JSON.parse(process.env.GIVEN);
const CASES = {
  accepted: ["transactional", ["ana@example.test"]],
  held: ["promotion", ["bo@example.test"]],
  refused: ["newsletter", ["bo@example.test"]],
  mixed: ["newsletter", ["ana@example.test", "bo@example.test"]],
};
export const [class_, people] = CASES[process.env.CASE];
export const headers = { "X-Galateo-Class": class_, "X-Galateo-Purpose": "newsletter" };
export const from = "news@acme.test";
export const subject = "Your order";
export const text = "Your order 12 left today.";

export async function tell(attempt) {
  let seen;
  try {
    seen = { ok: true, ...(await attempt()) };
  } catch (error) {
    seen = { ok: false, error: error.constructor.name, message: String(error.message),
             status: error.status ?? error.statusCode ?? error.code ?? error.responseCode,
             details: error.details, code: error.code,
             body: error.response?.body ?? error.body ?? error.response, recipients: error.recipients };
  }
  console.log(JSON.stringify(seen));
  process.exit(0);
}

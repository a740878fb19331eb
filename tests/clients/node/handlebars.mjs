// What handlebars.js makes of templates: a list of [template, data] on stdin, the texts (null for an error) as JSON.
import { readFileSync } from "node:fs";
import Handlebars from "handlebars";

const texts = JSON.parse(readFileSync(0)).map(([template, data]) => {
  try {
    return Handlebars.compile(template)(data);
  } catch {
    return null;
  }
});
console.log(JSON.stringify(texts));

import { expect, it } from "vitest";
import { splitCodes } from "./split-codes.ts";

const words = (text: string) => ({ kind: "words", text });
const code = (text: string) => ({ kind: "code", text });

it.each([
  [
    'Degraded: "deploy" failed in DEPLOY (MIGRATION_FAILED). Waits for an event: RETRIED.',
    [words('Degraded: "deploy" failed in DEPLOY.'), code("MIGRATION_FAILED"), words(" Waits for an event: RETRIED.")],
  ],
  ["app waits (checked again in 5s).", [words("app waits (checked again in 5s).")]],
])("puts the codes apart in %s", (sentence, pieces) => {
  expect(splitCodes(sentence)).toEqual(pieces);
});

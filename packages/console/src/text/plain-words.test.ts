import { expect, it } from "vitest";
import { splitCodes } from "./plain-words.ts";

const words = (text: string) => ({ kind: "words", text });
const code = (text: string) => ({ kind: "code", text });

it.each([
  ["49 arrived, 1 failed. Held back by WINDOW_CLOSED.", [words("49 arrived, 1 failed. Held back by a closed window.")]],
  [
    "0 arrived. Held back by FROZEN, ALARM, GATE_UNAVAILABLE. Then the next wave.",
    [words("0 arrived. Held back by a freeze, an alarm and a check that cannot be read. Then the next wave.")],
  ],
  ["Held back by A_NEW_CODE.", [words("Held back by A_NEW_CODE.")]],
  [
    'Degraded: "deploy" failed in DEPLOY (MIGRATION_FAILED). Waits for an event: RETRIED.',
    [words('Degraded: "deploy" failed in DEPLOY.'), code("MIGRATION_FAILED"), words(" Waits for an event: RETRIED.")],
  ],
  ["app waits (checked again in 5s).", [words("app waits (checked again in 5s).")]],
])("has words for the codes in %s", (sentence, pieces) => {
  expect(splitCodes(sentence)).toEqual(pieces);
});

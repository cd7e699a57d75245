import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Type } from "typebox";
import { Parse } from "typebox/value";

const require = createRequire(import.meta.url);

const Recorded = Type.Array(Type.Object({ name: Type.String(), examples: Type.Array(Type.Unknown()) }));

/** Deliveries that GitHub sent, by the name of their event. Source: the package `@octokit/webhooks-examples`. */
export function loadRecordedDeliveries(): readonly { readonly name: string; readonly body: unknown }[] {
  const file = require.resolve("@octokit/webhooks-examples/api.github.com/index.json");
  const recorded = Parse(Recorded, JSON.parse(readFileSync(file, "utf8")));
  return recorded.flatMap(({ name, examples }) => examples.map((body) => ({ name, body })));
}

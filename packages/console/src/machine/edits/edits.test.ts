import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Operation } from "./operation.ts";
import { outcomeOf } from "./testing/outcome.ts";

const folder = join(import.meta.dirname, "testing/edits");

// A file has a machine, `===`, and edits of it: each a line of JSON, with the lines that it takes (-) and gives (+), or why it
// is refused and what is offered instead.
describe.each(readdirSync(folder))("edits of %s", (name) => {
  const [machine = "", edits = ""] = readFileSync(join(folder, name), "utf8").split(/^===\n/m);

  it.each(edits.trimEnd().split(/\n(?=\{)/))("%s", (edit) => {
    const [operation = "", ...lines] = edit.split("\n");

    expect(outcomeOf(machine, JSON.parse(operation) as Operation)).toEqual(lines);
  });
});

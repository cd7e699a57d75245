import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { CHANNEL_TYPES } from "./channels.ts";

it("the README has a row for each type of channel", () => {
  const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");

  const section = readme.split("\n## Channels\n")[1]?.split("\n## ")[0] ?? "";
  const rows = [...section.matchAll(/^\| `([\w-]+)` \|/gm)].map(([, type]) => type);
  expect(rows).toEqual(CHANNEL_TYPES.map(({ schema }) => schema.properties.type.const));
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findPluginCommands } from "./plugin-commands.ts";

let cwd = "";
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "plugin-commands-"));
});
afterEach(() => rmSync(cwd, { recursive: true }));

it.each([
  ["arguments that are not an object schema", { args: { type: "string" } }, /needs an object schema in "args"/],
  ["a name of four words", { name: "a b c d" }, /invalid command name "a b c d"/],
  ["examples as a list", { examples: [{ command: "stackyard hello" }] }, /"examples" of the command "hello" .* a map/],
])("refuses a command of a plugin in JavaScript with %s", async (_what, wrong, message) => {
  const args = { type: "object", properties: {} };
  const plugin = {
    kind: "stackyard-plugin",
    name: "own",
    commands: [{ name: "hello", summary: "Greet.", args, run: 0, ...wrong }],
  };
  writeFileSync(join(cwd, "plugin.mjs"), `export default ${JSON.stringify(plugin)};`);
  writeFileSync(join(cwd, "stackyard.config.mjs"), 'export default { plugins: ["./plugin.mjs"] };');

  await expect(findPluginCommands({ cwd }, { quiet: false })).rejects.toMatchObject({
    code: "PLUGIN_INVALID",
    message: expect.stringMatching(message),
  });
});

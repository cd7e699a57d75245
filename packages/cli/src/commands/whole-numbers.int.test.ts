import { expect, it } from "vitest";
import { loadAllCommands } from "../command-table.ts";
import { runCli } from "../testing/run-cli.ts";

/** Each command with metadata, and words that it needs besides. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  send: ["pr-1", "PUSHED"],
  "bulk run": ["send", "--event", "PUSHED", "--all"],
  "stacks ls": [],
  "stacks counts": [],
  adopt: ["pr-1", "--machine", "app", "--from", "pr-1.tfstate"],
};

it("the table names every command that takes metadata", async () => {
  const commands = await loadAllCommands();

  const takers = commands.filter(({ args }) => Object.values(args.properties).some(isMetadata));

  expect(takers.map(({ name }) => name).toSorted()).toEqual(Object.keys(WORDS).toSorted());
});

function isMetadata(schema: object): boolean {
  return "placeholder" in schema && schema.placeholder === "key=text";
}

// The port of the yard is closed: the command never reaches it.
const env = { STACKYARD_URL: "http://127.0.0.1:9", STACKYARD_TOKEN: "a-token-of-the-tests" };

// inngest#4058, st2web#665, temporal/ui#2670, n8n#26925
it.each(
  Object.entries(WORDS).flatMap(([command, words]) =>
    ["id:=616581622363398142", '{"id":616581622363398142}', "id:=[616581622363398142]"].map(
      (metadata) => [[...command.split(" "), ...words, "--metadata", metadata]] as const,
    ),
  ),
)("%j is refused before it is sent", async (words) => {
  const { exitCode, stderr } = await runCli(words, { env });

  expect(exitCode).toBe(64);
  expect(stderr).toMatch(/JSON rounds the whole number of "id"|Metadata must be flat/);
});

import { existsSync } from "node:fs";
import { join } from "node:path";
import { isStackyardError } from "@stackyard/core";
import { Type } from "typebox";
import { defineCommand } from "../command.ts";
import { chooseSharedStore, findStoreVariable, type StoreChoice } from "../project/choose-store.ts";
import { loadConfigFile } from "../project/config-file.ts";
import { type OpenStoreInput, openStore } from "../project/open-store.ts";
import { createProcessLogger } from "../yard/process-logger.ts";
import { projectArg } from "./project-arg.ts";

/** `stackyard migrate` */
export const migrate = defineCommand({
  name: "migrate",
  summary: "Bring the project's store up to date with this version, and do nothing else.",
  description:
    "A server or worker does it by itself when it starts, unless the store's option `migrate` is false. As a step of its own it comes first in a rolling upgrade, and may use an account that may change tables. Processes of the version before go on meanwhile. Says whether anything was changed.",
  examples: [{ command: "stackyard migrate", what: "Before the first server of a new version." }],
  args: Type.Object({ ...projectArg }),
  async run({ cwd, env, out }, { project }) {
    const file = await loadConfigFile(cwd, project);
    const choice = withoutOwnWord(chooseSharedStore(file, env));
    const name = choice.kind === "sqlite" ? choice.folder : choice.name;
    const variable = findStoreVariable(file, env);
    const facts = { store: name, ...(variable === undefined ? {} : { namedBy: variable }) };
    const told = `The store ${name}${variable === undefined ? "" : ` of ${variable}`}`;
    if (choice.kind === "sqlite" && isNew(choice.folder)) {
      out.result({ ...facts, migrated: false }, () => `${told} does not exist yet. \`stackyard dev\` makes it.`);
      return 0;
    }
    const input = { projectDir: file.projectDir, env, logger: createProcessLogger({ out, env }) };
    const wasReady = await isUpToDate(choice, input);
    // Also where it was ready: a store of another package may not know how to only look.
    await (await openStore(choice, input)).close();
    out.result({ ...facts, migrated: !wasReady }, () => {
      return wasReady ? `${told} was up to date already.` : `${told} was brought up to date.`;
    });
    return 0;
  },
});

/** Without a token there has never been a store. */
function isNew(folder: string): boolean {
  return !existsSync(join(folder, "stackyard.db")) && !existsSync(join(folder, "token"));
}

/** False when a look without a change is refused, for whatever reason: the change that follows says it. */
async function isUpToDate(choice: StoreChoice, input: OpenStoreInput): Promise<boolean> {
  try {
    await (await openStore(choice, { ...input, migrate: false })).close();
    return true;
  } catch (error) {
    if (isStackyardError(error, "STORE_UNAVAILABLE")) return false;
    throw error;
  }
}

/** `migrate: false` in the configuration is for the processes that only work. */
function withoutOwnWord(choice: StoreChoice): StoreChoice {
  if (choice.kind === "sqlite") return choice;
  const { migrate: _, ...options } = choice.options;
  return { ...choice, options };
}

import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { defineCommand, defined, isStackyardError, optionalFlag, optionalText } from "@stackyard/core";
import { Type } from "typebox";
import type { CommandContext } from "../command.ts";
import { failWith } from "../failure.ts";
import { type ConfigFile, loadConfigFile, projectArg } from "../project/config.ts";
import {
  chooseSharedStore,
  chooseStore,
  findStoreVariable,
  type OpenStoreInput,
  openStore,
  type StoreChoice,
} from "../project/store.ts";
import { createProcessLogger } from "../yard/process-logger.ts";
import { migrateFrom } from "./migrate-from.ts";

/** `stackyard backup` */
export const backup = defineCommand({
  name: "backup",
  summary: "Back up the project's embedded store to a file, also while the yard is running.",
  description:
    "The file contains stacks, events, history, attempts and Terraform states, including the secrets of states: protect it like the data folder. Sensitive values of stacks are sealed with the key in the file seal-key of the folder, or that of STACKYARD_SEAL_KEY, which is not in the file: keep the key elsewhere. It is the state of one instant.",
  examples: { "stackyard backup yard-2026-11-20.backup": "Back up before an update." },
  args: Type.Object({
    file: Type.String({ minLength: 1, description: "The file to write." }),
    replace: optionalFlag("Replace an existing file."),
    ...projectArg,
  }),
  async run({ cwd, out }: CommandContext, { file, replace = false, project }) {
    const folder = findFolder(await loadConfigFile(cwd, project));
    const path = resolve(cwd, file);
    if (!existsSync(join(folder, "stackyard.db"))) {
      throw failWith("NOT_FOUND", `No store found in ${folder}.`, {
        hint: "Run `stackyard dev` to create it, or check --project.",
      });
    }
    if (existsSync(path) && !replace) {
      throw failWith("OUTCOME_NEGATIVE", `${path} already exists.`, {
        hint: "Choose another name, or use --replace.",
      });
    }
    const { backUpSqliteStore } = await import("@stackyard/store-sqlite");
    await backUpSqliteStore({ folder, to: path });
    const bytes = statSync(path).size;
    out.result({ file: path, bytes, folder }, () => `The store in ${folder} was copied to ${path} (${toSize(bytes)}).`);
    const key = join(folder, "seal-key");
    if (existsSync(key)) {
      out.note(
        `It can be used with the key in ${key} only, which is not part of it. Keep a copy of that file elsewhere.`,
      );
    }
  },
});

/** `stackyard restore` */
export const restore = defineCommand({
  name: "restore",
  summary: "Restore the project's store from a backup file. The yard must not be running.",
  description:
    'Checks the file first. The yard does not know what happened after the backup: see "After a restore" in docs/operations.md before you let tasks run.',
  examples: {
    "stackyard restore yard-2026-11-20.backup": "Restore into a data folder without a store.",
    "stackyard restore yard-2026-11-20.backup --replace": "Replace the store and keep the old one next to it.",
  },
  args: Type.Object({
    file: Type.String({ minLength: 1, description: "A file that `stackyard backup` wrote." }),
    replace: optionalFlag("Replace an existing store; the old one is kept next to it."),
    ...projectArg,
  }),
  async run({ cwd, out }: CommandContext, { file, replace = false, project }) {
    const folder = findFolder(await loadConfigFile(cwd, project));
    const from = resolve(cwd, file);
    const { restoreSqliteStore } = await import("@stackyard/store-sqlite");
    try {
      await restoreSqliteStore({ from, folder, replace });
    } catch (error) {
      if (!isStackyardError(error, "USAGE")) throw error;
      const hint = "Pass --replace. The old store is kept next to the new one, as stackyard.db.before-….";
      throw failWith("OUTCOME_NEGATIVE", `${folder} already contains a store.`, { hint, cause: error });
    }
    out.result({ file: from, folder }, () => `Restored the store in ${folder} from ${from}.`);
    out.note(
      "The yard does not know what happened after the backup. Check the Terraform states before you let tasks run.",
    );
  },
});

/** Returns the embedded store's folder. Throws `CONFIG_INVALID` for other stores, which have their own tools. */
function findFolder(file: ConfigFile): string {
  const choice = chooseStore(file);
  if (choice.kind === "sqlite") return choice.folder;
  const hint = choice.name === "postgres" ? "Use `pg_dump` and `pg_restore`, or your provider's snapshots." : undefined;
  const message = `The project's store is "${choice.name}"; this command copies the embedded store only.`;
  throw failWith("CONFIG_INVALID", message, defined({ hint }));
}

function toSize(bytes: number): string {
  return bytes < 1_048_576 ? `${Math.ceil(bytes / 1_024)} KiB` : `${(bytes / 1_048_576).toFixed(1)} MiB`;
}

/** `stackyard migrate` */
export const migrate = defineCommand({
  name: "migrate",
  summary: "Migrate the project's store to this version, or copy an embedded store into it, and exit.",
  description: [
    "A server or worker migrates when it starts, unless the store's option `migrate` is false. In a rolling upgrade, run this command first, if needed with a database account that can change tables. Processes of the previous version keep running. Prints whether anything changed.",
    "With --from, copies the embedded store of a data folder, such as that of `stackyard dev`, into the project's empty store: stacks, history, Terraform states, tokens, the audit log. Then compares counts and hashes. Stop the yard first: the command is refused while it runs, and while attempts are open or events queued. May be repeated after an interruption.",
  ].join("\n"),
  examples: {
    "stackyard migrate": "Run it before the first server of a new version.",
    "stackyard migrate --from .stackyard": "Move the yard of `stackyard dev` to Postgres.",
  },
  args: Type.Object({
    from: optionalText("The data folder of an embedded store to copy.", { minLength: 1, placeholder: "folder" }),
    ...projectArg,
  }),
  async run(context: CommandContext, { from, project }) {
    const { cwd, env, out } = context;
    const file = await loadConfigFile(cwd, project);
    const choice = withoutOwnWord(chooseSharedStore(file, env));
    if (from !== undefined) return migrateFrom(context, file, { choice, from });
    const name = choice.kind === "sqlite" ? choice.folder : choice.name;
    const variable = findStoreVariable(file, env);
    const facts = { store: name, ...defined({ namedBy: variable }) };
    const place = `The store ${name}${variable === undefined ? "" : ` of ${variable}`}`;
    if (choice.kind === "sqlite" && isNew(choice.folder)) {
      out.result({ ...facts, migrated: false }, () => `${place} does not exist yet. \`stackyard dev\` creates it.`);
      return 0;
    }
    const input = { projectDir: file.projectDir, env, logger: createProcessLogger({ out, env }) };
    const wasReady = await isUpToDate(choice, input);
    // Also when it was ready: a store of another package may not support a check without changes.
    await (await openStore(choice, input)).close();
    out.result({ ...facts, migrated: !wasReady }, () => {
      return wasReady ? `${place} was up to date already.` : `${place} was migrated.`;
    });
    return 0;
  },
});

/** Returns true if there was never a store: without a database and without a token. */
function isNew(folder: string): boolean {
  return !existsSync(join(folder, "stackyard.db")) && !existsSync(join(folder, "token"));
}

/** Returns whether the store opens without a migration; the migration reports why it does not. */
async function isUpToDate(choice: StoreChoice, input: OpenStoreInput): Promise<boolean> {
  try {
    await (await openStore(choice, { ...input, migrate: false })).close();
    return true;
  } catch (error) {
    if (isStackyardError(error, "STORE_UNAVAILABLE")) return false;
    throw error;
  }
}

/** Removes the configured `migrate`: `migrate: false` is for processes that only run tasks. */
function withoutOwnWord(choice: StoreChoice): StoreChoice {
  if (choice.kind === "sqlite") return choice;
  const { migrate: _, ...options } = choice.options;
  return { ...choice, options };
}

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Store } from "@stackyard/core";
import { type CopyReport, copyStore, createFolderLocator, systemClock } from "@stackyard/core/engine";
import type { CommandContext } from "../command.ts";
import { failWith } from "../failure.ts";
import { type ConfigFile, machinesDirOf } from "../project/config.ts";
import { openStore, type StoreChoice } from "../project/store.ts";
import { createProcessLogger } from "../yard/process-logger.ts";

/** Copies the embedded store of a data folder into the project's store. */
export async function migrateFrom(
  { cwd, env, out }: CommandContext,
  file: ConfigFile,
  { choice, from }: { readonly choice: StoreChoice; readonly from: string },
): Promise<number> {
  const folder = resolve(cwd, from);
  if (choice.kind === "sqlite") {
    throw failWith("CONFIG_INVALID", "The project's store is the embedded one.", {
      hint: 'Write `store: "postgres"` into the configuration, set DATABASE_URL, and run the command again.',
    });
  }
  if (!existsSync(join(folder, "stackyard.db"))) {
    throw failWith("NOT_FOUND", `No store found in ${folder}.`, { hint: "Pass the data folder, such as .stackyard." });
  }
  const input = { projectDir: file.projectDir, env, logger: createProcessLogger({ out, env }) };
  const source = await openStore({ kind: "sqlite", folder }, input);
  try {
    const target = await openStore(choice, input);
    try {
      const report = await copyBetween(file, source, target);
      printReport(report, { out, folder, name: choice.name });
      return 0;
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

async function copyBetween(file: ConfigFile, from: Store, to: Store): Promise<CopyReport> {
  // Only the names are needed.
  const locator = createFolderLocator({ folder: machinesDirOf(file), executors: new Map(), clock: systemClock });
  const machines = (await locator.list()).map(({ name }) => name);
  return copyStore({ from, to, machines, now: systemClock.now() });
}

interface PrintInput extends Pick<CommandContext, "out"> {
  readonly folder: string;
  readonly name: string;
}

const LABELS: Readonly<Record<string, string>> = {
  parked: "parked events",
  deadLetters: "dead letters",
  memory: "ids of events and stacks that are remembered",
};

function printReport({ kind, kinds }: CopyReport, { out, folder, name }: PrintInput): void {
  out.result({ kind, from: folder, store: name, kinds }, () =>
    [
      kind === "copied"
        ? `Copied ${folder} to the store ${name}.`
        : `${folder} was copied to the store ${name} before.`,
      ...kinds.map((each) => `  ${each.count} ${LABELS[each.kind] ?? each.kind}  sha256 ${each.hash.slice(0, 16)}`),
      "Both stores have these counts and hashes. Do not start the embedded store again: remove it, or keep it as a backup.",
    ].join("\n"),
  );
  out.note(
    "Sensitive values and saved plans stay sealed. Set STACKYARD_SEAL_KEY_FILE to the file seal-key of the data folder, if it has one: servers and workers do not start without it.",
  );
}

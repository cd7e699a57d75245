import { existsSync } from "node:fs";
import { mkdir, rm, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

/**
 * Stands for a database: a file in the environment's folder. Written like any function of AWS Lambda; what it answers
 * with are the outputs of the task, and what it throws is the task's error. A task may run twice, so both actions give
 * the same result when they are repeated.
 */
export async function handler({ stackId, metadata, args }) {
  const root = metadata.folder ?? join(import.meta.dirname, "../environments");
  const folder = join(root, stackId.replaceAll(/[^A-Za-z0-9_-]/g, "-"));
  if (args.action === "drop") return drop(stackId, folder);
  // To see a task fail, create a file "no-room" next to the environments, and delete it again.
  if (existsSync(join(root, "no-room"))) throw new Error(`no room for another ${args.engine} database`);
  console.log(`making a ${args.engine} database for ${stackId}`);
  await setTimeout(1_000 * Number(metadata.seconds ?? 1));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "database.json"), `${JSON.stringify({ engine: args.engine })}\n`);
  return { engine: args.engine };
}

async function drop(stackId, folder) {
  await rm(join(folder, "database.json"), { force: true });
  // The last one to leave takes the folder away.
  await rmdir(folder).catch(() => {});
  console.log(`dropped the database of ${stackId}`);
  return {};
}

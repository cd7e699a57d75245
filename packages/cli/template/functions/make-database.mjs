import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * Stands for a database: a file in the environment's folder. Written like any function of AWS Lambda; what it answers
 * with are the outputs of the task, and what it throws is the task's error.
 */
export async function handler({ stackId, metadata, args }) {
  const root = metadata.folder ?? "/tmp/stackyard-review-app";
  const folder = join(root, stackId.replaceAll(/[^A-Za-z0-9_-]/g, "-"));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "database.json"), `${JSON.stringify({ engine: args.engine })}\n`);
  console.log(`made a ${args.engine} database for ${stackId}`);
  return { engine: args.engine };
}

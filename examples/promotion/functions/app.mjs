import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

/** Stands for the application of a tenant: a file that says which version runs. Each action may be repeated. */
export async function handler({ stackId, metadata, args }) {
  const root = process.env["TF_VAR_folder"];
  if (!root) throw new Error("TF_VAR_folder must name the folder of the environments.");
  const folder = join(root, stackId.replaceAll(/[^A-Za-z0-9_-]/g, "-"));
  if (args.action === "remove") {
    await rm(folder, { recursive: true, force: true });
    return {};
  }
  // To see a tenant fail, create a file "t-07.full" next to the environments, and delete it again.
  if (existsSync(`${folder}.full`)) throw new Error(`the disk of ${stackId} is full`);
  await setTimeout(Number(process.env["APP_MS"] ?? 0));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "app.txt"), `${metadata.api}\n`);
  return {};
}

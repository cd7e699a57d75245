import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Does with files what `terraform/app` does, where Terraform is not installed. Each action may be repeated. */
export async function handler({ stackId, metadata, args }) {
  const folder = process.env["PREVIEWS_FOLDER"];
  if (!folder) throw new Error("PREVIEWS_FOLDER must name the folder of the previews.");
  const wanted = `${stackId}-${metadata.sha.slice(0, 7)}`;
  const own = (await readdir(folder)).filter((name) => name.startsWith(`${stackId}-`));
  const surplus = args.action === "destroy" ? own : own.filter((name) => name !== wanted);
  if (args.action === "drift") return { drifted: !own.includes(wanted) };
  if (args.action === "plan") {
    const adds = own.includes(wanted) ? 0 : 1;
    // The check of drift has found that it was deleted by hand.
    const vanished = metadata.drifted ? adds : 0;
    return toPlan(wanted, { adds, destroys: surplus.length, vanished });
  }
  for (const name of surplus) await rm(join(folder, name), { force: true });
  if (args.action === "destroy") return {};
  await writeFile(join(folder, wanted), metadata.sha);
  return { url: `https://${stackId}.previews.example.org` };
}

function toPlan(plan, { adds, destroys, vanished }) {
  const summary = `Plan: ${adds} to add, 0 to change, ${destroys} to destroy.`;
  return { plan, adds, destroys, vanished, forgets: 0, imports: 0, unchanged: adds + destroys === 0, summary };
}

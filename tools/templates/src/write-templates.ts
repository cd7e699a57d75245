import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { synthesizeTemplates, type TemplateSources } from "@stackyard/cdk";

/** A template that was written. */
export interface WrittenTemplate {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Writes every template into a folder, which is made. The same sources give the same bytes. */
export async function writeTemplates(folder: string, sources: TemplateSources): Promise<readonly WrittenTemplate[]> {
  await mkdir(folder, { recursive: true });
  const written = synthesizeTemplates(sources).map(async ({ name, body }) => {
    const file = join(folder, `${name}.template.json`);
    await writeFile(file, body);
    return { file, bytes: Buffer.byteLength(body), sha256: createHash("sha256").update(body).digest("hex") };
  });
  return Promise.all(written);
}

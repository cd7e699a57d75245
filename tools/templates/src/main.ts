import { parseArgs } from "node:util";
import { writeTemplates } from "./write-templates.ts";

const { values } = parseArgs({ options: { out: { type: "string", default: "dist/templates" } } });

for (const { file, bytes, sha256 } of await writeTemplates(values.out))
  console.log(`${sha256}  ${file}  ${bytes} bytes`);

import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadConsumer } from "./load-consumer.ts";
import { writeTemplates } from "./write-templates.ts";

const { values } = parseArgs({ options: { out: { type: "string", default: "dist/templates" } } });

const consumer = await loadConsumer(join(import.meta.dirname, "../../.."));
for (const { file, bytes, sha256 } of await writeTemplates(values.out, { consumer }))
  console.log(`${sha256}  ${file}  ${bytes} bytes`);

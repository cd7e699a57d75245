import { readFileSync } from "node:fs";
import { join } from "node:path";
import { appOf, inlineOf } from "../../tsup.base.ts";

const manifest = join(import.meta.dirname, "../../packages/consumer/package.json");
const { version } = Object(JSON.parse(readFileSync(manifest, "utf8")));

/** A banner for the minified file: what it is, and how to compare it. */
const HEAD = [
  `Stackyard ${version}, consumer of artifacts: @stackyard/consumer and what it needs but the AWS SDK, minified.`,
  "copy.js: `handler` copies what the queue announces. resources.js: `initialSet` and `bucket` serve custom resources.",
  "License: MIT. Packages of others within, with their licenses: NOTICES.txt in the consumer's zip of the same release.",
  "To compare: `npm run build` of the release's commit makes apps/consumer/dist/inline, byte for byte. The SHA-256 of this",
  "file is in the Metadata of its function in the template, and in the outputs of the stack; docs/aws.md lists the commands.",
];

export default [...appOf(import.meta.dirname), inlineOf({ copy: "src/copy.ts", resources: "src/resources.ts" }, HEAD)];

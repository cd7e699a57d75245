import { isStoppedByForm, tryEdit } from "./try-edits.ts";

// `npm run edits -- 100000 1`: that many edits, drawn from that seed on. Prints the first broken promises.

const [count = 100_000, first = 1] = process.argv.slice(2).map(Number);
const counts = new Map<string, number>();
const faults: string[] = [];
let plain = 0;
let stopped = 0;
for (let seed = first; seed < first + count; seed += 1) {
  const tried = tryEdit(seed);
  if (tried === undefined) continue;
  const { checked } = tried;
  const kind = checked.kind === "refused" ? checked.code : checked.kind;
  counts.set(kind, (counts.get(kind) ?? 0) + 1);
  if (tried.plain) plain += 1;
  if (tried.plain && isStoppedByForm(tried)) stopped += 1;
  if (checked.kind === "fault") faults.push(`seed ${seed}: ${checked.fault} ${JSON.stringify(tried.operation)}`);
}
const lines = [...counts].toSorted((a, b) => b[1] - a[1]).map(([kind, many]) => `${kind} ${many}`);
process.stdout.write(`${lines.join("\n")}\nblock style without anchors: ${stopped} of ${plain} refused\n`);
if (faults.length > 0) {
  process.stderr.write(`${faults.slice(0, 20).join("\n")}\n`);
  process.exitCode = 1;
}

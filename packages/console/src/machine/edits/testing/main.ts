import { isStoppedByForm, tryEdit, tryStep } from "./try-edits.ts";

// `npm run edits -- 100000 1`: that many steps, and edits from as many seeds, drawn from that seed on. Prints the first
// broken promises. A third number is the count of edits.

const [count = 100_000, first = 1, seeds = count] = process.argv.slice(2).map(Number);
const faults: string[] = [];
let plain = 0;
let stopped = 0;

const edits = new Map<string, number>();
for (let seed = first; seed < first + seeds; seed += 1) {
  const tried = tryEdit(seed);
  if (tried === undefined) continue;
  const { checked, operation } = tried;
  add(edits, checked.kind === "refused" ? checked.code : checked.kind);
  if (tried.plain) plain += 1;
  if (tried.plain && isStoppedByForm(tried)) stopped += 1;
  if (checked.kind === "fault") faults.push(`seed ${seed}: ${checked.fault} ${JSON.stringify(operation)}`);
}
print(edits);
process.stdout.write(`block style without anchors: ${stopped} of ${plain} refused\n`);

const steps = new Map<string, number>();
for (let seed = first, drawn = 0; drawn < count; seed += 1) {
  const tried = tryStep(seed);
  if (tried === undefined) continue;
  const { checked, step } = tried;
  drawn += 1;
  add(steps, `${step.kind} ${checked.kind === "refused" ? checked.code : checked.kind}`);
  if (checked.kind === "fault") faults.push(`step of seed ${seed}: ${checked.fault} ${JSON.stringify(step)}`);
}
print(steps);

if (faults.length > 0) {
  process.stderr.write(`${faults.slice(0, 20).join("\n")}\n`);
  process.exitCode = 1;
}

function add(counts: Map<string, number>, kind: string): void {
  counts.set(kind, (counts.get(kind) ?? 0) + 1);
}

function print(counts: ReadonlyMap<string, number>): void {
  const lines = [...counts].toSorted((a, b) => b[1] - a[1]).map(([kind, many]) => `${kind} ${many}\n`);
  process.stdout.write(lines.join(""));
}

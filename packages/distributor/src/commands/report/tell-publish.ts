import type { PublishProgress, PublishResult } from "@stackyard/sdk/artifacts";
import { tellBytes, tellCount, tellSeconds } from "./tell-size.ts";

const PHASES = { checking: "Checking", sending: "Sending", committing: "Committing" } as const;

/** How far a publication is, on one line. */
export function tellPublishing({ phase, files, filesDone, ...rest }: PublishProgress): string {
  const { bytes, bytesDone, bytesPerSecond, secondsLeft } = rest;
  const size = bytes === null ? tellBytes(bytesDone) : `${tellBytes(bytesDone)} of ${tellBytes(bytes)}`;
  const rate = bytesPerSecond === 0 ? [] : [`${tellBytes(bytesPerSecond)}/s`];
  const left = secondsLeft === null ? [] : [`${tellSeconds(secondsLeft)} left`];
  return [`${PHASES[phase]}: ${filesDone} of ${tellCount(files, "file")}`, size, ...rate, ...left].join(", ");
}

/** The same with a bar, for a terminal of so many columns. */
export function toPublishPicture(progress: PublishProgress, columns: number): string {
  const { bytes, bytesDone } = progress;
  const line = tellPublishing(progress);
  if (bytes === null || bytes === 0) return line;
  const share = Math.min(1, bytesDone / bytes);
  const width = Math.max(10, Math.min(60, columns - 8));
  const full = Math.floor(share * width);
  const bar = `\u001b[32m${"█".repeat(full)}\u001b[90m${"░".repeat(width - full)}\u001b[39m`;
  return `${bar} ${String(Math.floor(share * 100)).padStart(3)} %\n${line}`;
}

/** What was published. */
export function tellPublished({ outcome, manifest, manifestSha256, bytes, skipped }: PublishResult): string {
  const what = `${manifest.name} ${manifest.version}`;
  const content = `${tellCount(manifest.files.length, "file")}, ${tellBytes(bytes)}`;
  if (outcome === "already-published") return `${what} is published already, with the same content: ${content}.`;
  const stood = skipped.length === 0 ? "" : ` (${skipped.length} stood there already)`;
  return `${what} is published: ${content}${stood}.\nManifest ${manifestSha256}`;
}

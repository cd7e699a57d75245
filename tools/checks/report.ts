/** Prints the problems of one check and sets the exit code. Says what was found also when all is well. */
export function reportAndExit(check: string, problems: readonly string[], note = ""): void {
  for (const problem of problems) console.error(`  ${problem}`);
  console.log(`${check}: ${problems.length === 0 ? "ok" : `${problems.length} problems`}${note && `; ${note}`}`);
  if (problems.length > 0) process.exitCode = 1;
}

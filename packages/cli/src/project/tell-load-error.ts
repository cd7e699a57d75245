import { execFile } from "node:child_process";

/** Why a module could not be loaded; of a syntax error with its file and line. */
export async function tellLoadError(error: unknown, path: string): Promise<string> {
  if (!(error instanceof Error)) return String(error);
  if (error.name !== "SyntaxError") return error.message;
  const place = findPlace(error.stack ?? "") ?? findPlace(await check(path));
  return place === undefined
    ? `${error.message} (a syntax error in what ${path} imports)`
    : `SyntaxError at ${place}: ${error.message}`;
}

// Node begins with the place, in the stack for TypeScript, and for JavaScript only where it prints the error itself.
function findPlace(text: string): string | undefined {
  return /^(?:file:\/\/)?(\/.*:\d+)$/m.exec(text.slice(0, text.indexOf("\n")))?.[1];
}

/** What Node says of a file without running it; nothing of a file that is sound. */
function check(path: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["--check", path], (_error, _stdout, stderr) => resolve(stderr));
  });
}

/** What the progress of a build is written to. */
interface ProgressStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/**
 * Returns a function that says which of `total` parts begins. A terminal has one line, which each part replaces and the
 * empty name removes; elsewhere each part is a line.
 */
export function createBuildProgress(stream: ProgressStream, total: number): (at: number, name: string) => void {
  return (at, name) => {
    if (name === "") {
      if (stream.isTTY === true) stream.write("\r\u001b[K");
      return;
    }
    const text = `  ${String(at).padStart(String(total).length)}/${total} ${name}`;
    stream.write(stream.isTTY === true ? `\r\u001b[K${text}` : `${text}\n`);
  };
}

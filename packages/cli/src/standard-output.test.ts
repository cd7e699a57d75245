import { expect, it } from "vitest";
import { takeStandardOutput } from "./standard-output.ts";

function aStream() {
  const texts: string[] = [];
  const write = (text: string | Uint8Array, done?: (error?: Error | null) => void) => {
    texts.push(String(text));
    done?.();
    return true;
  };
  return { texts, write, isTTY: true, columns: 80 };
}

// openclaw/openclaw#81535, rustwasm/wasm-pack-plugin#77: what a module printed came before the JSON of the result.
it("keeps standard output for results: what modules print goes to standard error", () => {
  const printing = { stdout: aStream(), stderr: aStream() };

  const output = takeStandardOutput(printing);
  output.write("{}\n");
  printing.stdout.write("loading\n");

  expect(printing.stdout.texts).toEqual(["{}\n"]);
  expect(printing.stderr.texts).toEqual(["loading\n"]);
  expect([output.isTTY, output.columns]).toEqual([true, 80]);
  expect(takeStandardOutput(printing)).toBe(output);
});

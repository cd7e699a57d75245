import { writeFileSync } from "node:fs";
import type { Reporter, SerializedError, TestModule, Vitest } from "vitest/node";

/** What is read of an error of Vitest. */
export interface OtherError {
  readonly message: string;
  readonly VITEST_TEST_PATH?: string;
  readonly VITEST_TEST_NAME?: string;
}

/** What is read of a file of tests, or of a `describe` in it. */
export interface Suite {
  /** A `describe` has one, a file has not. */
  readonly fullName?: string;
  errors(): readonly OtherError[];
}

/** What is read of a file of tests that Vitest ran. */
export interface TestFile extends Suite {
  readonly moduleId: string;
  readonly children: { allSuites(): Iterable<Suite> };
}

/** Returns one text for each error that no test has: its file, where in it, and its message. */
export function toOtherErrors(files: readonly TestFile[], unhandled: readonly OtherError[]): string[] {
  const ofFiles = files.flatMap((file) =>
    [file, ...file.children.allSuites()].flatMap((suite) =>
      suite.errors().map(({ message }) => `${[file.moduleId, suite.fullName ?? []].flat().join(" > ")}: ${message}`),
    ),
  );
  const outside = unhandled.map(({ message, VITEST_TEST_PATH, VITEST_TEST_NAME }) => {
    const place = [VITEST_TEST_PATH ?? "Vitest", VITEST_TEST_NAME ?? []].flat().join(" > ");
    return `${place}: unhandled error: ${message}`;
  });
  return [...ofFiles, ...outside];
}

/** Writes to the file of `--outputFile.errors` what the JSON report leaves out: errors of hooks, of files, and those that nothing handled. */
export default class OtherErrors implements Reporter {
  private file: string | undefined;

  onInit({ config: { outputFile } }: Vitest): void {
    // The names of reporters of Vitest are the only ones in its type.
    const files = new Map(Object.entries(typeof outputFile === "object" ? outputFile : {}));
    this.file = files.get("errors");
  }

  onTestRunEnd(files: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    if (this.file !== undefined) writeFileSync(this.file, JSON.stringify(toOtherErrors(files, unhandled)));
  }
}

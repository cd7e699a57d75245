import { stripVTControlCharacters } from "node:util";
import type { Reporter, TestModule, Vitest } from "vitest/node";

/** What is read of a test of Vitest that passed. */
export interface PassedTest {
  readonly fullName: string;
  readonly module: { readonly relativeModuleId: string };
  diagnostic(): { readonly flaky: boolean } | undefined;
  result(): { readonly errors: readonly { readonly message: string }[] | undefined };
}

/**
 * Returns one line for each test that failed at first and passed when it ran again: its place, its name, and what
 * failed.
 */
export function toSecondTries(tests: readonly PassedTest[]): string[] {
  return tests
    .filter((test) => test.diagnostic()?.flaky === true)
    .map((test) => {
      const message = stripVTControlCharacters(test.result().errors?.[0]?.message ?? "");
      return `${test.module.relativeModuleId} > ${test.fullName}: ${message.split("\n")[0]}`;
    });
}

/** Prints at the end which tests passed only at the second try, so that they are not overlooked. */
export default class SecondTries implements Reporter {
  private vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.vitest = vitest;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines = toSecondTries(modules.flatMap((module) => [...module.children.allTests("passed")]));
    if (lines.length === 0) return;
    this.vitest?.logger.log(
      [`Passed at the second try (${lines.length}):`, ...lines.map((line) => `  ${line}`)].join("\n"),
    );
  }
}

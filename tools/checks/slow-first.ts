import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Short files of tests that take more than five seconds. By their size they would run last, and alone at the end. */
export const SLOW: readonly string[] = [
  "packages/core/src/testing/simulation/planted-bugs.test.ts",
  "packages/console/src/machine/edits/plan-edit.property.test.ts",
  "packages/core/src/aggregate/replay-incarnation.property.test.ts",
  "packages/core/src/engine/simulate-agrees.test.ts",
  "packages/core/src/machine/upgrade/upgrade-machine.property.test.ts",
  "packages/consumer/src/copy/crash.test.ts",
  "packages/executor-ecs/src/custom-resource/crashes.test.ts",
];

/** Runs the slow files of a project first, then the others from the largest to the smallest. */
export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const projects = [...new Set(sorted.map(({ project }) => project.name))];
    const toRank = ({ project, moduleId }: TestSpecification) =>
      projects.indexOf(project.name) + (SLOW.some((path) => moduleId.endsWith(path)) ? 0 : 0.5);
    return sorted.toSorted((a, b) => toRank(a) - toRank(b));
  }
}

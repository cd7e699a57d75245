import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * Files that take longer than others of their size, in the order in which they start. By their size some would run last, and
 * alone at the end. Of end-to-end tests, those that mostly wait run together with those that compute.
 */
export const SLOW: readonly string[] = [
  "packages/core/src/testing/simulation/planted-bugs.test.ts",
  "packages/console/src/machine/edits/plan-edit.property.test.ts",
  "packages/core/src/aggregate/replay-incarnation.property.test.ts",
  "packages/core/src/engine/plans/simulate-agrees.promise.test.ts",
  "packages/core/src/machine/upgrade/upgrade-machine.property.test.ts",
  "packages/consumer/src/copy/crash.promise.test.ts",
  "packages/executor-ecs/src/custom-resource/crashes.promise.test.ts",
  "packages/server/src/bulk-crash.int.test.ts",
  "apps/fleet/src/whole-yard.int.test.ts",
  "packages/store-dynamodb/src/dynamodb-store.int.test.ts",
  "examples/artifacts-everywhere/demo/play.int.test.ts",
  "examples/previews/e2e/demo.test.ts",
  "examples/promotion/e2e/demo.test.ts",
  "packages/server/e2e/console.test.ts",
  "apps/ecs-task/e2e/life.test.ts",
  "packages/server/e2e/console-tasks.test.ts",
  "tools/crash/e2e/postgres-crash.test.ts",
  "packages/cli/e2e/servers-and-workers.test.ts",
  "apps/releases/e2e/life.test.ts",
  "examples/review-app/e2e/demo.test.ts",
];

/** Runs the slow files of a project first, then the others from the largest to the smallest. */
export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const projects = [...new Set(sorted.map(({ project }) => project.name))];
    const toRank = ({ project, moduleId }: TestSpecification): number => {
      const slow = SLOW.findIndex((path) => moduleId.endsWith(path));
      return projects.indexOf(project.name) + (slow === -1 ? 0.5 : (0.5 * slow) / SLOW.length);
    };
    return sorted.toSorted((a, b) => toRank(a) - toRank(b));
  }
}

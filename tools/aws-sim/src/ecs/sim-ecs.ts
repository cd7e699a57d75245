import type { SimCall, SimService } from "../sim-call.ts";
import {
  type ClusterInput,
  createCluster,
  type DefinitionInput,
  deregisterDefinition,
  describeDefinition,
  type EcsState,
  ecsFaults,
  type Refusal,
  registerDefinition,
  type SimTask,
  type Tag,
} from "./ecs-state.ts";
import { describeTasks, listTasks, stopTask, tagTask, toTask } from "./read-tasks.ts";
import { runTask, startTask } from "./start-tasks.ts";
import type { TaskScript } from "./task-course.ts";

/** Tasks that live by the clock of the simulation. */
export interface SimEcs {
  readonly service: SimService;
  /** Gives the ARN. */
  addCluster(input: ClusterInput): string;
  /** Registers a new revision; returns its ARN. */
  registerTaskDefinition(input: DefinitionInput): string;
  deregisterTaskDefinition(arn: string): void;
  /**
   * Scripts the tasks of a family, or of `family:revision`: the next `times` of them, default all. Several wait their
   * turn.
   */
  script(of: string, script: TaskScript, times?: number): void;
  /** Makes the next call of RunTask or StartTask not place its tasks, or some of them. Several wait their turn. */
  refuse(refusal: Refusal): void;
  /** Returns the tags that a task began with, which StopTask deletes. */
  firstTagsOf(taskArn: string): readonly Tag[];
  /** Returns all tasks that ever started, as DescribeTasks would return them now, in order. */
  tasks(): readonly ReturnType<typeof toTask>[];
}

/** What ECS needs of the rest. */
interface EcsDeps {
  readonly now: () => number;
  /** Called for each task that begins. */
  readonly onStart: (task: SimTask) => void;
}

/** Creates ECS without containers. Sources: ECS API reference and developer guide, cited at each part. */
export function createEcs({ now, onStart }: EcsDeps): SimEcs {
  const state: EcsState = {
    clusters: new Map(),
    definitions: [],
    tasks: [],
    tokens: new Map(),
    scripts: [],
    refusals: [],
    onStart,
  };
  const bind = (serve: (state: EcsState, call: SimCall) => unknown) => (call: SimCall) => serve(state, call);
  return {
    service: {
      operations: {
        DescribeTaskDefinition: bind(describeDefinition),
        RunTask: bind(runTask),
        StartTask: bind(startTask),
        DescribeTasks: bind(describeTasks),
        ListTasks: bind(listTasks),
        StopTask: bind(stopTask),
        DeregisterTaskDefinition: bind(deregisterDefinition),
        TagResource: bind(tagTask),
      },
      toAction: (operation) => `ecs:${operation}`,
      faults: ecsFaults,
    },
    addCluster: (input) => createCluster(state, input).arn,
    registerTaskDefinition: (input) => registerDefinition(state, input).arn,
    deregisterTaskDefinition(arn) {
      for (const definition of state.definitions) if (definition.arn === arn) definition.isActive = false;
    },
    script: (of, script, uses = Number.POSITIVE_INFINITY) => void state.scripts.push({ of, script, uses }),
    refuse: (refusal) => void state.refusals.push(refusal),
    firstTagsOf: (taskArn) => state.tasks.find(({ arn }) => arn === taskArn)?.firstTags ?? [],
    tasks: () => state.tasks.map((task) => toTask(task, now(), { withTags: true })),
  };
}

export { type EcsRights, runEcsTasks } from "../policies/ecs-permissions.ts";
export { EcsTask, type EcsTaskProps } from "./ecs-task.ts";
export { EcsTaskWaiting, type EcsTaskWaitingProps } from "./ecs-task-waiting.ts";

export { type EcsRights, runEcsTasks } from "../policies/ecs-permissions.ts";
export { EcsTask, type EcsTaskProps, EcsTaskWaiting, type EcsTaskWaitingProps } from "./ecs-task.ts";

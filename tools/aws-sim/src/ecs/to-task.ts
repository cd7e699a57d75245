import { findText } from "../sim-call.ts";
import type { ContainerDefinition, SimTask } from "./ecs-state.ts";
import type { ContainerCourse } from "./to-course.ts";
import { type Life, toLife } from "./to-life.ts";

/** A task as ECS describes it (API reference, "Task" and "Container"). Tags are told on request only. */
export function toTask(task: SimTask, now: number, { withTags }: { readonly withTags: boolean }) {
  const life = toLife(task, now);
  const { definition, cluster, input } = task;
  const hasEnded = now >= life.end.at;
  const startedBy = findText(input, "startedBy");
  return {
    taskArn: task.arn,
    clusterArn: cluster.arn,
    taskDefinitionArn: definition.arn,
    lastStatus: life.stage,
    desiredStatus: hasEnded ? "STOPPED" : "RUNNING",
    attachments: toAttachments(task, life),
    attributes: [],
    availabilityZone: `${cluster.region}a`,
    containers: definition.containerDefinitions.map((each) => toContainer(task, each, life, now)),
    ...(task.launchType && { launchType: task.launchType }),
    ...(task.capacityProvider && { capacityProviderName: task.capacityProvider }),
    ...(task.instance && { containerInstanceArn: task.instance.arn }),
    ...(definition.cpu && { cpu: definition.cpu }),
    ...(definition.memory && { memory: definition.memory }),
    ...(isFargate(task) && { platformVersion: "1.4.0", platformFamily: "Linux" }),
    group: findText(input, "group") ?? `family:${definition.family}`,
    ...(startedBy && { startedBy }),
    enableExecuteCommand: input["enableExecuteCommand"] === true,
    healthStatus: "UNKNOWN",
    overrides: input["overrides"] ?? { containerOverrides: [] },
    tags: withTags ? task.tags : [],
    version: life.stages.filter(({ at }) => at <= now).length,
    ...toInstants(task, life, now),
    ...(hasEnded && { stopCode: life.end.code, stoppedReason: life.end.reason }),
  };
}

function toInstants({ createdAt }: SimTask, life: Life, now: number) {
  const past = (field: string, at: number) => (at <= now ? { [field]: new Date(at) } : {});
  return {
    createdAt: new Date(createdAt),
    ...past("startedAt", life.runningAt),
    ...past("stoppingAt", life.end.at),
    ...past("executionStoppedAt", life.executionStoppedAt),
    ...past("stoppedAt", life.stoppedAt),
  };
}

function toContainer(task: SimTask, definition: ContainerDefinition, life: Life, now: number) {
  const { name, image = `${name}:latest`, cpu = 0 } = definition;
  const course = life.containers.find((each) => each.name === name);
  const hasEnded = course !== undefined && course.endedAt <= now;
  const isRunning = now >= life.runningAt;
  const lastStatus = hasEnded ? "STOPPED" : isRunning ? "RUNNING" : "PENDING";
  const [prefix = ""] = task.arn.split(":task/");
  return {
    containerArn: `${prefix}:container/${task.cluster.name}/${task.id}/${name}`,
    taskArn: task.arn,
    name,
    image,
    lastStatus,
    networkInterfaces: [],
    healthStatus: "UNKNOWN",
    cpu: String(cpu),
    ...(isRunning && { runtimeId: `${task.id}-${name}`, imageDigest: toDigest(image) }),
    ...(hasEnded && toExit(course)),
  };
}

function toExit({ exitCode, reason }: ContainerCourse) {
  return { ...(exitCode === undefined ? {} : { exitCode }), ...(reason === undefined ? {} : { reason }) };
}

function toDigest(image: string): string {
  return `sha256:${Buffer.from(image).toString("hex").padEnd(64, "0").slice(0, 64)}`;
}

function isFargate({ launchType, capacityProvider }: SimTask): boolean {
  return launchType === "FARGATE" || capacityProvider === "FARGATE" || capacityProvider === "FARGATE_SPOT";
}

const ATTACHMENT_STATUS = {
  PROVISIONING: "PRECREATED",
  PENDING: "ATTACHING",
  DEPROVISIONING: "DETACHING",
  STOPPED: "DELETED",
} as const;

/** The network interface of awsvpc ("Attachment"). */
function toAttachments({ id, definition, input }: SimTask, { stage }: Life) {
  if (definition.networkMode !== "awsvpc") return [];
  const [subnetId] = Object(Object(input["networkConfiguration"]).awsvpcConfiguration).subnets ?? [];
  const status = stage in ATTACHMENT_STATUS ? ATTACHMENT_STATUS[stage as keyof typeof ATTACHMENT_STATUS] : "ATTACHED";
  const details = [
    { name: "subnetId", value: subnetId },
    { name: "networkInterfaceId", value: `eni-${id.slice(0, 17)}` },
  ];
  return [{ id: `${id.slice(0, 8)}-eni`, type: "ElasticNetworkInterface", status, details }];
}

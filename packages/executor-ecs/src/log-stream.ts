/** The parts of a container's definition that say where its log goes (ECS API, ContainerDefinition). */
export interface LoggingContainer {
  readonly name?: string | undefined;
  readonly logConfiguration?:
    | { readonly logDriver?: string | undefined; readonly options?: Readonly<Record<string, string>> | undefined }
    | undefined;
}

/** A stream of CloudWatch Logs, or why there is none to read. */
export type LogStream =
  | { readonly kind: "stream"; readonly group: string; readonly stream: string; readonly region: string | undefined }
  | { readonly kind: "none"; readonly why: string };

/**
 * Where one container of one task writes. ECS names the stream `prefix/container/taskId` (developer guide, "Using the awslogs
 * driver", awslogs-stream-prefix); without a prefix Docker names it after the container's id, which nobody here knows.
 */
export function findLogStream(container: LoggingContainer | undefined, taskArn: string): LogStream {
  const { logDriver, options = {} } = container?.logConfiguration ?? {};
  const name = container?.name ?? "";
  if (logDriver === undefined) return { kind: "none", why: `container ${name} has no log configuration` };
  if (logDriver !== "awslogs") return { kind: "none", why: `container ${name} logs with ${logDriver}, not awslogs` };
  const group = options["awslogs-group"];
  const prefix = options["awslogs-stream-prefix"];
  if (group === undefined) return { kind: "none", why: `container ${name} names no awslogs-group` };
  if (prefix === undefined) return { kind: "none", why: `container ${name} has no awslogs-stream-prefix` };
  return { kind: "stream", group, stream: `${prefix}/${name}/${toTaskId(taskArn)}`, region: options["awslogs-region"] };
}

/** The last part of a task's ARN, whichever form the ARN has. */
export function toTaskId(taskArn: string): string {
  return taskArn.slice(taskArn.lastIndexOf("/") + 1);
}

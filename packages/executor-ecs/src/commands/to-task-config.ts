import { StackyardError } from "@stackyard/core";
import { type Static, Type } from "typebox";

const word = (placeholder: string, description: string) =>
  Type.Optional(Type.String({ minLength: 1, placeholder, description }));
const words = (placeholder: string, description: string) =>
  Type.Optional(Type.Array(Type.String({ minLength: 1 }), { placeholder, description }));

/** What tasks are made of, as words of a command line. */
export const taskArgs = {
  cluster: word("name", "Name or ARN of the cluster. Needed, unless the file names it."),
  taskDefinition: word("name", "Family, family:revision or ARN. Needed, unless the file names it."),
  count: Type.Optional(Type.Integer({ minimum: 1, maximum: 10, description: "How many tasks. Default: 1." })),
  launchType: Type.Optional(
    Type.Union([Type.Literal("EC2"), Type.Literal("FARGATE"), Type.Literal("EXTERNAL")], {
      description: "Default: as the cluster is configured.",
    }),
  ),
  capacityProvider: words("name", "Instead of a launch type, such as FARGATE_SPOT; may be repeated."),
  subnet: words("id", "Where tasks with the network mode awsvpc run; may be repeated."),
  securityGroup: words("id", "Of these tasks; may be repeated."),
  assignPublicIp: Type.Optional(Type.Boolean({ description: "Give each of these tasks a public address." })),
  container: word("name", "The container that --env, --command and the exit code mean. Default: the only one."),
  env: words("name=value", "A variable of its environment; may be repeated."),
  command: words("word", "A word of its command; repeat it for each word. Needs --container."),
  check: words("name", "Containers whose exit codes count: essential (default), all, or names."),
  timeout: word("length", "From the start, 10s to 7d. Default: 1h."),
  placementTimeout: word("length", "How long to try while the cluster has no room. Default: 5m."),
  config: word("file", "A JSON file with the executor's config; flags win over it."),
  account: word("id", "The account to work in. Default: the runner's own."),
  region: word("name", "The region to work in, with --account."),
  role: word("name", "The role to assume there: its name or ARN."),
  externalId: word("text", "For that role."),
};
const TaskArgs = Type.Object(taskArgs);
export type TaskArgs = Static<typeof TaskArgs>;

type Config = Readonly<Record<string, unknown>>;

/** The executor's config that these words mean, over the config of a file. Throws `USAGE`. */
export function toTaskConfig(args: TaskArgs, file: Config = {}): Config {
  const { cluster, taskDefinition, count, launchType, capacityProvider, container, timeout, placementTimeout } = args;
  // The server checks the whole against the executor's schema.
  const config: Config = {
    ...file,
    ...given({ cluster, taskDefinition, count, launchType, container, timeout, placementTimeout }),
    ...given({ capacityProviders: capacityProvider, network: toNetwork(args, file["network"]) }),
    ...given({ environment: toEnvironment(args.env, file["environment"]) }),
    ...given({ overrides: toOverrides(args, file["overrides"]), check: toCheck(args.check) }),
  };
  if (config["cluster"] === undefined) throw usage("Give --cluster.");
  if (config["taskDefinition"] === undefined) throw usage("Give --task-definition.");
  return config;
}

/** The account and region of these words; undefined: the runner's own. Throws `USAGE` where only a part is given. */
export function toTaskTarget({ account, region, role, externalId }: TaskArgs) {
  if (account === undefined && region === undefined && role === undefined && externalId === undefined) return undefined;
  if (account === undefined || region === undefined) throw usage("--account and --region belong together.");
  return { account, region, ...given({ role, externalId }) };
}

function toNetwork({ subnet, securityGroup, assignPublicIp }: TaskArgs, file: unknown) {
  const network = given({ subnets: subnet, securityGroups: securityGroup, assignPublicIp });
  if (Object.keys(network).length === 0) return undefined;
  const before = isMap(file) ? file : {};
  // The shape of AWS wraps the same keys.
  const inner = before["awsvpcConfiguration"];
  return { ...(isMap(inner) ? inner : before), ...network };
}

function toEnvironment(pairs: readonly string[] | undefined, file: unknown) {
  if (pairs === undefined) return undefined;
  const named = pairs.map((pair): readonly [string, string] => {
    const at = pair.indexOf("=");
    if (at < 1) throw usage(`--env "${pair}" is not name=value.`);
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  return { ...(isMap(file) ? file : {}), ...Object.fromEntries(named) };
}

function toOverrides({ command, container }: TaskArgs, file: unknown) {
  if (command === undefined) return undefined;
  if (container === undefined) throw usage("--command needs --container: a task may have several.");
  if (file !== undefined) throw usage("--command and the file's overrides: give one of them.");
  return { containerOverrides: [{ name: container, command }] };
}

function toCheck(names: readonly string[] | undefined) {
  const [first] = names ?? [];
  return names?.length === 1 && (first === "all" || first === "essential") ? first : names;
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function given<T extends object>(values: T): Given<T> {
  // Every key that is left has a value, which is what the type says.
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Given<T>;
}

function isMap(value: unknown): value is Config {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function usage(message: string): StackyardError {
  return new StackyardError("USAGE", message);
}

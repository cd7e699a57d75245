import { describe, expect, it } from "vitest";
import { FULL_YARD_PARAMETERS, RUNNER_PARAMETERS, YARD_PARAMETERS } from "../testing/a-yard.ts";
import { findGrants, listPairs } from "../testing/find-grants.ts";
import { findBody } from "../testing/find-template.ts";
import { listDocumented } from "../testing/readme-permissions.ts";
import { resolveTemplate, toJson } from "../testing/resolve-template.ts";

/** Pairs of action and resource of a role, without what stands before the names of resources. */
function grantsOf(template: string, role: string, parameters: Readonly<Record<string, string>>): readonly string[] {
  const resolved = resolveTemplate(JSON.parse(findBody(template)), parameters);
  return listPairs(findGrants(resolved, role))
    .map((pair) => shorten(pair))
    .toSorted();
}

function shorten(pair: string): string {
  return pair.replace(/arn:aws:(sqs|dynamodb|logs|lambda):eu-west-1:111122223333:/, "").replace("arn:aws:s3:::", "");
}

const on = (resource: string, ...actions: readonly string[]) => actions.map((action) => `${action} ${resource}`);

// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions
const readByLambda = (queue: string) => on(queue, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes");
const workByLambda = (queue: string) => [...readByLambda(queue), ...on(queue, "sqs:ChangeMessageVisibility")];
const taskLogs = (bucket: string, prefix: string) => [
  ...on(bucket, "s3:ListBucket"),
  ...on(`${bucket}/${prefix}*`, "s3:GetObject", "s3:PutObject"),
];
const logs = (app: string) => on(`log-group:/stackyard/main/${app}:*`, "logs:CreateLogStream", "logs:PutLogEvents");

/** What the README of the transport grants a role, with the names of queues; read access is checked separately. */
function queuesOf(role: string, names: Readonly<Record<string, string>>) {
  const pairs = listDocumented("transport-sqs", (document) => toJson(document)[role]).map((pair) =>
    Object.entries(names).reduce((text, [word, name]) => text.replace(new RegExp(` ${word}$`), ` ${name}`), pair),
  );
  return { sends: pairs.filter((pair) => pair.startsWith("sqs:SendMessage")), all: pairs };
}

function storeOf(stacks: string, work: string): readonly string[] {
  const isStore = (document: unknown) => {
    const { Statement } = toJson(document);
    return Array.isArray(Statement) ? Statement.filter(({ Sid }) => Sid !== "MakeTables") : undefined;
  };
  return listDocumented("store-dynamodb", isStore).map((pair) =>
    shorten(pair.replace("REGION:ACCOUNT", "eu-west-1:111122223333"))
      .replace(/STACKS-work/, work)
      .replace(/STACKS/, stacks),
  );
}

const NAMES = {
  "event queue": "stack-events",
  "task queue": "stack-tasks",
  "event dead-letter queue": "event-dead-letters",
  "task dead-letter queue": "task-dead-letters",
};
const store = storeOf("stackyard-main-stacks", "stackyard-main-stacks-work");

describe("the policies of the yard", () => {
  it("let the state manager do what it calls, and nothing else", () => {
    const granted = grantsOf("yard", "StateManagerRole", YARD_PARAMETERS);

    expect(granted).toEqual(
      [
        ...workByLambda("stack-events"),
        ...readByLambda("stack-ticks"),
        ...queuesOf("state manager", NAMES).sends,
        ...on("stack-ticks", "sqs:SendMessage"),
        ...on("machines", "s3:ListBucket"),
        ...on("machines/*", "s3:GetObject"),
        ...store,
        ...logs("state-manager"),
      ].toSorted(),
    );
  });

  it("let the task runner do what it calls, and nothing else", () => {
    const granted = grantsOf("yard", "TaskRunnerRole", YARD_PARAMETERS);

    expect(granted).toEqual(
      [
        ...workByLambda("stack-tasks"),
        ...queuesOf("runner", NAMES).sends,
        // With the store a runner sends the next task of a key that it has freed.
        ...on("stack-tasks", "sqs:SendMessage"),
        // It decides their results: machines, timers that are due soon, and what is dead-lettered.
        ...on("machines", "s3:ListBucket"),
        ...on("machines/*", "s3:GetObject"),
        ...on("stack-ticks", "sqs:SendMessage"),
        ...on("event-dead-letters", "sqs:SendMessage"),
        ...store,
        ...taskLogs("tasklogs", "stackyard/logs/"),
        ...logs("task-runner"),
      ].toSorted(),
    );
  });

  it("let a runner without the store do what one by message calls, and nothing else", () => {
    const granted = grantsOf("task-runner", "TaskRunnerRole", RUNNER_PARAMETERS);

    expect(granted).toEqual(
      [...workByLambda("stack-tasks"), ...queuesOf("runner", NAMES).sends, ...logs("task-runner")].toSorted(),
    );
  });

  it("let the containers do what the transport of a container calls on their queue", () => {
    const granted = grantsOf("yard", "ContainersRole", {
      ...YARD_PARAMETERS,
      LongTasks: "service",
      LongTaskImageUri: "image",
      LongTaskSubnetIds: "a",
      LongTaskSecurityGroupIds: "b",
    });

    const names = { ...NAMES, "task queue": "stack-long-tasks" };
    const next = [...on("stack-tasks", "sqs:SendMessage"), ...on("stack-long-tasks", "sqs:SendMessage")];
    const kept = taskLogs("tasklogs", "stackyard/logs/");
    expect(granted).toEqual([...queuesOf("runner", names).all, ...next, ...store, ...kept].toSorted());
  });

  it("grant with everything said only what was said", () => {
    const usual = new Set(grantsOf("yard", "TaskRunnerRole", { ...YARD_PARAMETERS, YardName: "blue" }));
    const granted = grantsOf("yard", "TaskRunnerRole", FULL_YARD_PARAMETERS);

    const claims = listDocumented("transport-sqs", (document) => toJson(document)["with claim checks"]);
    expect(granted.filter((pair) => !usual.has(pair))).toEqual(
      [
        ...claims.map((pair) => pair.replace(" bucket/", " messages/")),
        ...taskLogs("task-logs", "blue/"),
        ...on(
          "arn:aws:kms:eu-west-1:111122223333:key/0000abcd-12ab-34cd-56ef-1234567890ab",
          "kms:Decrypt",
          "kms:GenerateDataKey",
        ),
        ...on(
          "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
          "kms:Decrypt",
          "kms:GenerateDataKey",
        ),
        ...on(
          "arn:aws:kms:eu-west-1:111122223333:key/5678abcd-12ab-34cd-56ef-1234567890ab",
          "kms:Decrypt",
          "kms:GenerateDataKey",
        ),
        ...on("arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-abc", "secretsmanager:GetSecretValue"),
        ...on("arn:aws:iam::444455556666:role/deployer", "sts:AssumeRole", "sts:TagSession"),
        ...on("function:make-db", "lambda:InvokeFunction"),
        ...on("function:drop-db:*", "lambda:InvokeFunction"),
        ...on("arn:aws:lambda:eu-central-1:444455556666:function:stackyard-distributor", "lambda:InvokeFunction"),
        ...on("*", "cloudwatch:DescribeAlarms", "cloudwatch:DescribeAlarmHistory"),
        ...["sources", "more-sources"].flatMap((bucket) => on(bucket, "s3:ListBucket")),
        ...["sources", "more-sources"].flatMap((bucket) => on(`${bucket}/*`, "s3:GetObject")),
        // The queue of events is one in order, of another name.
        ...on("blue-stack-events.fifo", "sqs:SendMessage"),
        ...on("blue-event-dead-letters.fifo", "sqs:SendMessage"),
        // Machines lie under a prefix.
        ...on("machines/m/*", "s3:GetObject"),
        ...on("blue-stack-long-tasks", "sqs:SendMessage"),
        ...on(
          "*",
          "ec2:CreateNetworkInterface",
          "ec2:DescribeNetworkInterfaces",
          "ec2:DescribeSubnets",
          "ec2:DeleteNetworkInterface",
          "ec2:AssignPrivateIpAddresses",
          "ec2:UnassignPrivateIpAddresses",
        ),
      ].toSorted(),
    );
  });

  it("let no role read a table when the state is in a database", () => {
    const granted = grantsOf("yard", "StateManagerRole", FULL_YARD_PARAMETERS);

    expect(granted.filter((pair) => pair.startsWith("dynamodb:"))).toEqual([]);
  });

  it("limit listing to the prefix of the machines, and keys to queues", () => {
    const conditionsWith = (parameters: Readonly<Record<string, string>>, role: string) =>
      findGrants(resolveTemplate(JSON.parse(findBody("yard")), parameters), role)
        .filter(({ conditions }) => Object.keys(conditions).length > 0)
        .map(({ sid, conditions }) => [sid, conditions]);

    const sealing = {
      "kms:EncryptionContext:stackyard:yard": "blue",
      "kms:EncryptionContext:stackyard:purpose": "seal",
    };
    expect(conditionsWith(YARD_PARAMETERS, "StateManagerRole")).toEqual([]);
    expect(conditionsWith(FULL_YARD_PARAMETERS, "StateManagerRole")).toEqual([
      ["List", { StringLike: { "s3:prefix": "m/*" } }],
      ["OfQueues", { StringEquals: { "kms:ViaService": "sqs.eu-west-1.amazonaws.com" } }],
      ["DataKeys", { StringEquals: sealing }],
      ["Uploads", { StringEquals: { "kms:ViaService": "s3.eu-west-1.amazonaws.com" } }],
    ]);
  });
});

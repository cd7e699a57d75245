import { toStacksTable, toWorkTable } from "@stackyard/store-dynamodb";
import { describe, expect, it } from "vitest";
import { FULL_YARD_PARAMETERS, RUNNER_PARAMETERS, YARD_PARAMETERS } from "../testing/a-yard.ts";
import { listBodies } from "../testing/find-template.ts";
import { type ResolvedTemplate, resolveTemplate, toJson } from "../testing/resolve-template.ts";

const templates = listBodies();

function deploy(parameters: Readonly<Record<string, string>> = {}, name = "yard"): ResolvedTemplate {
  return resolveTemplate(JSON.parse(templates.get(name) ?? "{}"), { ...YARD_PARAMETERS, ...parameters });
}

function propertiesOf({ resources }: ResolvedTemplate, id: string): Readonly<Record<string, unknown>> {
  const resource = resources[id];
  if (resource === undefined) throw new TypeError(`There is no ${id}: ${Object.keys(resources).join(", ")}.`);
  return resource.properties;
}

function listOf(resolved: ResolvedTemplate, type: string): readonly string[] {
  return Object.entries(resolved.resources).flatMap(([id, resource]) => (resource.type === type ? [id] : []));
}

function queueNames(resolved: ResolvedTemplate): readonly unknown[] {
  return listOf(resolved, "AWS::SQS::Queue").map((id) => propertiesOf(resolved, id)["QueueName"]);
}

function statementsOf(resolved: ResolvedTemplate): unknown {
  return toJson(propertiesOf(resolved, "EventQueuePolicy")["PolicyDocument"])["Statement"];
}

const ARN = "arn:aws:sqs:eu-west-1:111122223333:";

describe("the queues of a yard", () => {
  it("have the names that CloudSeam's users know", () => {
    expect(queueNames(deploy())).toEqual([
      ...["event-dead-letters", "task-dead-letters", "tick-dead-letters"],
      ...["stack-events", "stack-tasks", "stack-ticks"],
    ]);
  });

  it("are named after a yard that is not main", () => {
    expect(queueNames(deploy({ YardName: "blue", LongTasks: "queue" }))).toEqual([
      ...["blue-event-dead-letters", "blue-task-dead-letters", "blue-tick-dead-letters"],
      ...["blue-stack-events", "blue-stack-tasks", "blue-stack-ticks", "blue-stack-long-tasks"],
    ]);
  });

  it.each([
    ["EventQueue", "StateManagerFunction"],
    ["TickQueue", "StateManagerFunction"],
    ["TaskQueue", "TaskRunnerFunction"],
  ])("hide a message of %s six times as long as %s may take", (queue, reader) => {
    for (const TaskRunnerTimeout of ["60", "300", "600", "900"]) {
      const resolved = deploy({ TaskRunnerTimeout });

      const { VisibilityTimeout } = propertiesOf(resolved, queue);
      expect(Number(VisibilityTimeout)).toBe(6 * Number(propertiesOf(resolved, reader)["Timeout"]));
    }
  });

  it.each([
    ["EventQueue", "event-dead-letters"],
    ["TaskQueue", "task-dead-letters"],
    ["LongTaskQueue", "task-dead-letters"],
    ["TickQueue", "tick-dead-letters"],
  ])("give a message of %s up after five deliveries, to %s, which keeps it for longer", (queue, letters) => {
    const resolved = deploy({ LongTasks: "queue" });

    const { RedrivePolicy, MessageRetentionPeriod } = propertiesOf(resolved, queue);
    expect(RedrivePolicy).toEqual({ deadLetterTargetArn: `${ARN}${letters}`, maxReceiveCount: 5 });
    expect(Number(MessageRetentionPeriod)).toBeLessThan(1_209_600);
    const [target = ""] = listOf(resolved, "AWS::SQS::Queue").filter(
      (id) => propertiesOf(resolved, id)["QueueName"] === letters,
    );
    expect(propertiesOf(resolved, target)["MessageRetentionPeriod"]).toBe(1_209_600);
  });

  it("are encrypted and refuse calls without TLS, each", () => {
    const resolved = deploy({ LongTasks: "queue" });

    for (const id of listOf(resolved, "AWS::SQS::Queue")) {
      expect(propertiesOf(resolved, id)["SqsManagedSseEnabled"]).toBe(true);
      const { Queues, PolicyDocument } = propertiesOf(resolved, `${id}Policy`);
      expect(Queues).toEqual([
        `https://sqs.eu-west-1.amazonaws.com/111122223333/${propertiesOf(resolved, id)["QueueName"]}`,
      ]);
      expect(JSON.stringify(PolicyDocument)).toContain('"aws:SecureTransport":"false"');
    }
  });

  it("take no events of others unless others are named", () => {
    const resolved = deploy();

    expect(statementsOf(resolved)).toEqual([expect.objectContaining({ Effect: "Deny" })]);
    expect(listOf(resolved, "AWS::SNS::Subscription")).toEqual([]);
  });

  it("take events of a topic, as they were published, and of no other topic", () => {
    const { EventTopicArn } = FULL_YARD_PARAMETERS;
    const resolved = deploy({ EventTopicArn });

    expect(statementsOf(resolved)).toEqual([
      expect.objectContaining({ Effect: "Deny", Condition: { Bool: { "aws:SecureTransport": "false" } } }),
      {
        Sid: "Topic",
        Effect: "Allow",
        Principal: { Service: "sns.amazonaws.com" },
        Action: "sqs:SendMessage",
        Resource: `${ARN}stack-events`,
        Condition: { ArnEquals: { "aws:SourceArn": EventTopicArn } },
      },
    ]);
    expect(propertiesOf(resolved, "EventSubscription")).toEqual({
      TopicArn: EventTopicArn,
      Region: "eu-central-1",
      Protocol: "sqs",
      Endpoint: `${ARN}stack-events`,
      RawMessageDelivery: true,
    });
  });

  it("take events of rules and of other accounts, without losing the rest of their policy", () => {
    const EventRuleArns = "arn:aws:events:eu-west-1:111122223333:rule/a,arn:aws:events:eu-west-1:111122223333:rule/b";
    const EventSenderArns = "444455556666,arn:aws:iam::777788889999:role/pipeline";

    expect(statementsOf(deploy({ EventRuleArns, EventSenderArns }))).toEqual([
      expect.objectContaining({ Sid: "OnlyWithTls" }),
      expect.objectContaining({
        Principal: { Service: "events.amazonaws.com" },
        Condition: { ArnEquals: { "aws:SourceArn": EventRuleArns.split(",") } },
      }),
      expect.objectContaining({ Principal: { AWS: EventSenderArns.split(",") }, Action: "sqs:SendMessage" }),
    ]);
  });

  it("take the customer's key instead of SQS's own", () => {
    const queue = propertiesOf(deploy(FULL_YARD_PARAMETERS), "EventQueue");

    expect(queue).toMatchObject({ KmsMasterKeyId: FULL_YARD_PARAMETERS.QueueKeyArn });
    expect(queue).not.toHaveProperty("SqsManagedSseEnabled");
  });

  it("keep the order of events where that is wanted, and their dead letters too", () => {
    const resolved = deploy({ EventOrder: "fifo" });

    expect(propertiesOf(resolved, "EventQueue")).toMatchObject({
      QueueName: "stack-events.fifo",
      FifoQueue: true,
      DeduplicationScope: "messageGroup",
      FifoThroughputLimit: "perMessageGroupId",
    });
    expect(propertiesOf(resolved, "EventDeadLettersQueue")).toMatchObject({ FifoQueue: true });
    expect(propertiesOf(deploy(), "EventQueue")).not.toHaveProperty("FifoQueue");
  });
});

describe("the functions of a yard", () => {
  it.each(["StateManagerFunction", "TaskRunnerFunction"])(
    "%s may be part of a loop and shares the account's concurrency",
    (id) => {
      const properties = propertiesOf(deploy(), id);

      expect(properties).toMatchObject({ RecursiveLoop: "Allow", Runtime: "nodejs24.x", Handler: "index.handler" });
      expect(properties).not.toHaveProperty("ReservedConcurrentExecutions");
      expect(properties).not.toHaveProperty("VpcConfig");
    },
  );

  it("have what their parameters say", () => {
    const resolved = deploy(FULL_YARD_PARAMETERS);

    expect(propertiesOf(resolved, "StateManagerFunction")).toMatchObject({
      ReservedConcurrentExecutions: "5",
      VpcConfig: {
        SubnetIds: FULL_YARD_PARAMETERS.SubnetIds.split(","),
        SecurityGroupIds: [FULL_YARD_PARAMETERS.SecurityGroupIds],
      },
      Code: { S3Bucket: "code", S3Key: "state-manager.zip", S3ObjectVersion: "v1" },
    });
    expect(propertiesOf(resolved, "TaskRunnerFunction")).toMatchObject({
      FunctionName: "stackyard-blue-task-runner-image",
      PackageType: "Image",
      Architectures: ["x86_64"],
      Timeout: "600",
      ReservedConcurrentExecutions: "10",
      Code: { ImageUri: FULL_YARD_PARAMETERS.TaskRunnerImageUri },
    });
    expect(propertiesOf(resolved, "TaskRunnerFunction")).not.toHaveProperty("Handler");
    expect(propertiesOf(resolved, "TaskRunnerRole")).toMatchObject({
      PermissionsBoundary: FULL_YARD_PARAMETERS.PermissionsBoundaryArn,
      ManagedPolicyArns: [FULL_YARD_PARAMETERS.TaskRunnerPolicyArns],
    });
  });

  it("take the newest object where no version is said", () => {
    const { Code } = propertiesOf(deploy(), "StateManagerFunction");

    expect(Code).toEqual({ S3Bucket: "code", S3Key: "state-manager.zip" });
  });

  it("are called with batches of their queues, whose messages fail one by one", () => {
    const resolved = deploy();

    const sources = listOf(resolved, "AWS::Lambda::EventSourceMapping").map((id) => propertiesOf(resolved, id));
    expect(sources).toEqual(
      [
        ["stack-events", "stackyard-main-state-manager", 10],
        ["stack-ticks", "stackyard-main-state-manager", 10],
        ["stack-tasks", "stackyard-main-task-runner", 1],
      ].map(([queue, FunctionName, BatchSize]) => ({
        EventSourceArn: `${ARN}${queue}`,
        FunctionName,
        BatchSize,
        FunctionResponseTypes: ["ReportBatchItemFailures"],
      })),
    );
  });

  it("work as many tasks at a time as was said", () => {
    const source = propertiesOf(deploy({ TaskConcurrency: "20" }), "TaskRunnerTaskSource");

    expect(source["ScalingConfig"]).toEqual({ MaximumConcurrency: "20" });
  });

  it("receive queues, tables and machines in the variables that they read", () => {
    const url = "https://sqs.eu-west-1.amazonaws.com/111122223333/";
    const common = {
      YARD_NAME: "main",
      STACKYARD_S3_ENCRYPTION: "",
      LOG_LEVEL: "info",
      RUNNERS_HAVE_STORE: "true",
      SQS_EVENT_QUEUE_URL: `${url}stack-events`,
      DYNAMODB_TABLE: "stackyard-main-stacks",
      DYNAMODB_WORK_TABLE: "stackyard-main-stacks-work",
      SQS_TASK_QUEUE_URL: `${url}stack-tasks`,
      // The runner decides the results of its tasks as the state manager decides events.
      MACHINE_LOCATOR: "S3",
      MACHINE_S3_BUCKET: "machines",
      MACHINE_S3_KEY: "",
      SQS_TICK_QUEUE_URL: `${url}stack-ticks`,
      SQS_EVENT_DEAD_LETTER_QUEUE_URL: `${url}event-dead-letters`,
      REFUSED_EVENTS: "park",
      REFUSED_EVENTS_KEEP: "1h",
      ALLOW_EXTERNAL_NEXT: "false",
      AUTOMATIC_TRANSITIONS_PER_HOUR: "1000",
    };
    const variablesOf = (id: string) => toJson(propertiesOf(deploy(), id)["Environment"])["Variables"];

    expect(variablesOf("StateManagerFunction")).toEqual({
      ...common,
      AUDIT_RETENTION_DAYS: "400",
      HISTORY_RETENTION_DAYS: "30",
    });
    expect(variablesOf("TaskRunnerFunction")).toEqual({
      ...common,
      SESSION_TAGS: "false",
      TASK_LOG_BUCKET: "tasklogs",
      TASK_LOG_PREFIX: "stackyard/logs/",
      SQS_TASK_DEAD_LETTER_QUEUE_URL: `${url}task-dead-letters`,
    });
  });

  it("are configured by their parameters", () => {
    const resolved = deploy(FULL_YARD_PARAMETERS);
    const variablesOf = (id: string) => toJson(propertiesOf(resolved, id)["Environment"])["Variables"];

    expect(variablesOf("StateManagerFunction")).toMatchObject({
      EXECUTORS: "delay, ecs",
      REFUSED_EVENTS: "drop",
      REFUSED_EVENTS_KEEP: "90m",
      ALLOW_EXTERNAL_NEXT: "true",
      AUTOMATIC_TRANSITIONS_PER_HOUR: "50",
      AUDIT_RETENTION_DAYS: "730",
      HISTORY_RETENTION_DAYS: "90",
      QUEUE_SENDERS: '[{"id":"AROAEXAMPLE:*","groups":["release-managers"]}]',
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318",
    });
    expect(variablesOf("TaskRunnerFunction")).toMatchObject({
      SESSION_TAGS: "true",
      TERRAFORM_STATE_URL: "https://stackyard.example.org",
      TASK_LOG_BUCKET: "task-logs",
      TASK_LOG_PREFIX: "blue/",
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318",
    });
  });

  it("keep whole logs of tasks for 7 days in a bucket of their own, or in one that exists", () => {
    const { Properties: made, DeletionPolicy } = JSON.parse(templates.get("yard") ?? "{}").Resources.TaskLogs;

    expect(made.LifecycleConfiguration.Rules).toEqual([{ Id: "ExpireLogs", Status: "Enabled", ExpirationInDays: 7 }]);
    expect(made).not.toHaveProperty("VersioningConfiguration");
    expect(DeletionPolicy).toBe("Retain");
    expect(listOf(deploy(), "AWS::S3::Bucket")).toEqual(["TaskLogs"]);
    const existing = deploy({ ExistingTaskLogBucket: "task-logs" });
    expect(listOf(existing, "AWS::S3::Bucket")).toEqual([]);
    expect(existing.outputs["TaskLogBucket"]).toBe("task-logs");
  });

  it("keep their logs for the configured time, in groups of the yard", () => {
    const resolved = deploy({ LogRetentionDays: "90", YardName: "blue" });

    const groups = listOf(resolved, "AWS::Logs::LogGroup").map((id) => propertiesOf(resolved, id));
    expect(groups).toEqual([
      { LogGroupName: "/stackyard/blue/state-manager", RetentionInDays: "90" },
      { LogGroupName: "/stackyard/blue/task-runner", RetentionInDays: "90" },
    ]);
  });
});

describe("the schedule of a yard", () => {
  it("calls the state manager each minute, and not again when that fails", () => {
    const resolved = deploy();

    expect(propertiesOf(resolved, "StateManagerScheduleRule")).toMatchObject({
      ScheduleExpression: "rate(1 minute)",
      State: "ENABLED",
      Targets: [{ Arn: "arn:aws:lambda:eu-west-1:111122223333:function:stackyard-main-state-manager" }],
    });
    expect(propertiesOf(resolved, "StateManagerSchedulePermission")).toMatchObject({
      Principal: "events.amazonaws.com",
      SourceArn: "arn:aws:events:eu-west-1:111122223333:rule/StateManagerScheduleRule",
    });
    expect(propertiesOf(resolved, "StateManagerScheduleRetries")).toMatchObject({ MaximumRetryAttempts: 0 });
  });
});

describe("the store of a yard", () => {
  it.each([
    ["StacksTable", toStacksTable("stackyard-main-stacks")],
    ["WorkTable", toWorkTable("stackyard-main-stacks-work")],
  ])("%s is the table that the store would make, with a way back in time", (id, definition) => {
    expect(propertiesOf(deploy(), id)).toEqual({
      ...definition,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    });
  });

  it.each(["StacksTable", "WorkTable"])("%s is kept when the yard is deleted, or would be replaced", (id) => {
    const { [id]: table } = JSON.parse(templates.get("yard") ?? "{}").Resources;

    expect([table.DeletionPolicy, table.UpdateReplacePolicy]).toEqual(["Retain", "Retain"]);
  });

  it("is tables that are there, where they are named", () => {
    const resolved = deploy({ ExistingStacksTable: "Stacks" });

    expect(listOf(resolved, "AWS::DynamoDB::Table")).toEqual(["WorkTable"]);
    const { Variables } = toJson(propertiesOf(resolved, "StateManagerFunction")["Environment"]);
    expect(Variables).toMatchObject({ DYNAMODB_TABLE: "Stacks", DYNAMODB_WORK_TABLE: "stackyard-main-stacks-work" });
  });

  it("is a database whose secret is named, and then the template has no tables", () => {
    const resolved = deploy(FULL_YARD_PARAMETERS);

    expect(listOf(resolved, "AWS::DynamoDB::Table")).toEqual([]);
    const { Variables } = toJson(propertiesOf(resolved, "StateManagerFunction")["Environment"]);
    expect(Variables).toMatchObject({ POSTGRES_CONNECTION_SECRET: FULL_YARD_PARAMETERS.ConnectionSecretArn });
    expect(Variables).not.toHaveProperty("DYNAMODB_TABLE");
  });
});

describe("the alarms of a yard", () => {
  const watched = (resolved: ResolvedTemplate) =>
    listOf(resolved, "AWS::CloudWatch::Alarm").map((id) => {
      const { Namespace, MetricName, Dimensions, Threshold, ComparisonOperator } = propertiesOf(resolved, id);
      const sign = ComparisonOperator === "LessThanThreshold" ? "<" : ">";
      const values = (Array.isArray(Dimensions) ? Dimensions : []).map(({ Value }) => Value);
      return [Namespace, MetricName, ...values, `${sign} ${Threshold}`].join(" ");
    });

  it("watch dead letters, age, stalled stacks, throttles and failures", () => {
    expect(watched(deploy())).toEqual([
      "AWS/Events Invocations StateManagerScheduleRule < 1",
      "AWS/SQS ApproximateNumberOfMessagesVisible event-dead-letters > 0",
      "AWS/SQS ApproximateNumberOfMessagesVisible task-dead-letters > 0",
      "AWS/SQS ApproximateNumberOfMessagesVisible tick-dead-letters > 0",
      "AWS/SQS ApproximateAgeOfOldestMessage stack-events > 300",
      "AWS/SQS ApproximateAgeOfOldestMessage stack-tasks > 1800",
      "Stackyard stalledStacks main > 0",
      "AWS/Lambda Throttles stackyard-main-state-manager > 0",
      "AWS/Lambda Errors stackyard-main-state-manager > 2",
      "AWS/Lambda Throttles stackyard-main-task-runner > 0",
      "AWS/Lambda Errors stackyard-main-task-runner > 2",
    ]);
  });

  it("take it for an alarm when the schedule says nothing, and for rest when a queue does", () => {
    const resolved = deploy();

    expect(propertiesOf(resolved, "StateManagerScheduleStands")["TreatMissingData"]).toBe("breaching");
    expect(propertiesOf(resolved, "AlarmEventsWait")["TreatMissingData"]).toBe("notBreaching");
  });

  it("watch the queue of long tasks where there is one", () => {
    const wanted = "AWS/SQS ApproximateNumberOfMessagesVisible stack-long-tasks > 0";

    expect(watched(deploy({ LongTasks: "queue" }))).toContain(wanted);
    expect(watched(deploy())).not.toContain(wanted);
  });

  it("notify topics of both the beginning and the end, if any are set", () => {
    const topics = [FULL_YARD_PARAMETERS.AlarmTopicArns];

    expect(propertiesOf(deploy(FULL_YARD_PARAMETERS), "AlarmStalledStacks")).toMatchObject({
      AlarmActions: topics,
      OKActions: topics,
    });
    expect(propertiesOf(deploy(), "AlarmStalledStacks")).not.toHaveProperty("AlarmActions");
  });
});

describe("the containers of a yard", () => {
  it("are there only where they are wanted", () => {
    const isOfEcs = (resolved: ResolvedTemplate) =>
      Object.values(resolved.resources).filter(({ type }) => type.startsWith("AWS::ECS"));

    expect(isOfEcs(deploy({ LongTasks: "queue" }))).toEqual([]);
    expect(isOfEcs(deploy(FULL_YARD_PARAMETERS))).toHaveLength(3);
  });

  it("read the queue of long tasks and no other, and have two minutes to end", () => {
    const { ContainerDefinitions } = propertiesOf(deploy(FULL_YARD_PARAMETERS), "ContainersTask");
    const [container] = Array.isArray(ContainerDefinitions) ? ContainerDefinitions : [];
    const variables = Object.fromEntries(
      toJson(container)["Environment"] === undefined ? [] : container.Environment.map(Object.values),
    );

    expect(container).toMatchObject({ Image: FULL_YARD_PARAMETERS.LongTaskImageUri, StopTimeout: 120 });
    expect(variables).toMatchObject({
      SQS_LONG_TASK_QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/111122223333/blue-stack-long-tasks",
      POSTGRES_CONNECTION_SECRET: FULL_YARD_PARAMETERS.ConnectionSecretArn,
      SESSION_TAGS: "true",
      TERRAFORM_STATE_URL: "https://stackyard.example.org",
    });
    expect(variables).not.toHaveProperty("SQS_TASK_QUEUE_URL");
  });
});

describe("the template of a yard", () => {
  it("returns where events are sent, and what else people need", () => {
    expect(deploy().outputs).toEqual({
      EventQueueUrl: "https://sqs.eu-west-1.amazonaws.com/111122223333/stack-events",
      EventQueueArn: `${ARN}stack-events`,
      TaskQueueUrl: "https://sqs.eu-west-1.amazonaws.com/111122223333/stack-tasks",
      TaskQueueArn: `${ARN}stack-tasks`,
      TickQueueUrl: "https://sqs.eu-west-1.amazonaws.com/111122223333/stack-ticks",
      TickQueueArn: `${ARN}stack-ticks`,
      EventDeadLetterQueueUrl: "https://sqs.eu-west-1.amazonaws.com/111122223333/event-dead-letters",
      EventDeadLetterQueueArn: `${ARN}event-dead-letters`,
      TaskDeadLetterQueueUrl: "https://sqs.eu-west-1.amazonaws.com/111122223333/task-dead-letters",
      TaskDeadLetterQueueArn: `${ARN}task-dead-letters`,
      StacksTable: "stackyard-main-stacks",
      WorkTable: "stackyard-main-stacks-work",
      TaskLogBucket: "tasklogs",
      TaskLogPrefix: "stackyard/logs/",
      MessagePrefix: "stackyard/messages/",
      MachineBucket: "machines",
      TaskRunnerTimeout: "900",
      StateManagerFunctionName: "stackyard-main-state-manager",
      StateManagerRoleArn: "arn:aws:iam::111122223333:role/StateManagerRole",
      TaskRunnerFunctionName: "stackyard-main-task-runner",
      TaskRunnerRoleArn: "arn:aws:iam::111122223333:role/TaskRunnerRole",
    });
  });

  it.each([
    ["yard", "LongTasksNeedsLongTaskImageUri", "LongTasks is service. Set LongTaskImageUri too."],
    ["yard", "EventOrderExcludesRefusedEvents", "EventOrder is fifo: RefusedEvents cannot be redeliver."],
    ["state-manager", "EventOrderExcludesRefusedEvents", "EventOrder is fifo: RefusedEvents cannot be redeliver."],
    ["task-runner", "StacksTableNeedsWorkTable", "StacksTable is set. Set WorkTable too."],
    ["task-runner", "LongTaskImageUriNeedsLongTaskQueueArn", "LongTaskImageUri is set. Set LongTaskQueueArn too."],
  ])("of %s refuses half of what belongs together: %s", (name, rule, description) => {
    const { Rules } = JSON.parse(templates.get(name) ?? "{}");

    expect(Rules[rule].Assertions).toEqual([expect.objectContaining({ AssertDescription: description })]);
  });
});

describe("the templates of the apps", () => {
  const store = ["ConnectionSecretArn", "StacksTable", "WorkTable"];
  const messages = ["QueueKeyArn", "MessageBucket", "MessagePrefix"];
  const queues = ["TaskQueueArn", "EventQueueArn", "TaskDeadLetterQueueArn"];
  const logs = ["TaskLogBucket", "TaskLogPrefix"];
  it.each([
    [
      "task-runner",
      [...queues, "LongTaskQueueArn", ...messages, ...store, "RunnersHaveStore", ...logs, "TaskRunnerTimeout"],
    ],
    ["fleet", [...queues, ...messages, ...store, ...logs, "TaskRunnerTimeout"]],
    ["services", ["MachineBucket", "MachinePrefix", "EventQueueArn", ...messages, ...store]],
  ])("%s finds what its yard puts out by the names of its parameters", (name, expected) => {
    const outputs = ["yard", "state-manager"].flatMap((each) =>
      Object.keys(JSON.parse(templates.get(each) ?? "{}").Outputs),
    );
    const parameters = Object.keys(JSON.parse(templates.get(name) ?? "{}").Parameters);

    expect(parameters.filter((parameter) => outputs.includes(parameter))).toEqual(expected);
    expect(parameters.filter((parameter) => outputs.includes(`${parameter}Name`))).toEqual([]);
  });

  it("fit together: what the state manager puts out the task runner takes", () => {
    const { outputs } = deploy({ LongTasks: "queue" }, "state-manager");
    const runner = deploy(
      {
        TaskRunnerCodeKey: RUNNER_PARAMETERS.TaskRunnerCodeKey,
        LongTaskQueueArn: String(outputs["LongTaskQueueArn"]),
        TaskQueueArn: String(outputs["TaskQueueArn"]),
        EventQueueArn: String(outputs["EventQueueArn"]),
        TaskDeadLetterQueueArn: String(outputs["TaskDeadLetterQueueArn"]),
      },
      "task-runner",
    );

    const { Variables } = toJson(propertiesOf(runner, "TaskRunnerFunction")["Environment"]);
    expect(Variables).toMatchObject({
      SQS_EVENT_QUEUE_URL: outputs["EventQueueUrl"],
      SQS_TASK_QUEUE_URL: outputs["TaskQueueUrl"],
      SQS_LONG_TASK_QUEUE_URL: outputs["LongTaskQueueUrl"],
      SQS_TASK_DEAD_LETTER_QUEUE_URL: outputs["TaskDeadLetterQueueUrl"],
    });
    expect(Variables).not.toHaveProperty("DYNAMODB_TABLE");
  });
});

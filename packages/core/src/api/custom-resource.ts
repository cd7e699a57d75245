import { Type } from "typebox";
import { Instant } from "./event.ts";
import type { View } from "./view.ts";

const text = Type.String({ maxLength: 4_096 });

/** A request of CloudFormation to a resource of the type `Custom::ECSTask`, as its function has recorded it. */
export const CustomResourceRun = Type.Object({
  id: Type.String({ maxLength: 255, description: "Newer ones have smaller ids." }),
  requestId: text,
  requestType: Type.Union([Type.Literal("Create"), Type.Literal("Update"), Type.Literal("Delete")]),
  stackId: Type.String({ maxLength: 4_096, description: "The ARN of the stack, with its account and region." }),
  startedBy: Type.Optional(
    Type.Object(
      {
        kind: Type.Literal("cloudformation"),
        arn: Type.String({ maxLength: 4_096, description: "Of the stack, as CloudFormation names it." }),
        stack: Type.Optional(Type.String({ maxLength: 128, description: "Its name. Missing if `arn` is not an ARN." })),
        account: Type.Optional(text),
        region: Type.Optional(text),
        consoleUrl: Type.Optional(
          Type.String({
            maxLength: 16_384,
            description: "The stack in the console of AWS, if its partition is known.",
          }),
        ),
      },
      { description: "Who asked for it. Only in answers; the records do not contain it." },
    ),
  ),
  logicalId: text,
  resourceId: Type.String({
    maxLength: 255,
    description: "Equal for all requests of one resource; the `startedBy` of its tasks.",
  }),
  cluster: Type.Optional(text),
  taskDefinition: Type.Optional(
    Type.String({ maxLength: 4_096, description: "With its revision, once that is known." }),
  ),
  taskArns: Type.Array(text, { maxItems: 100 }),
  receivedAt: Instant,
  startedAt: Type.Optional(Type.String({ format: "date-time", description: "All its tasks had been started." })),
  answeredAt: Type.Optional(Instant),
  answer: Type.Optional(
    Type.Object(
      {
        status: Type.Union([Type.Literal("SUCCESS"), Type.Literal("FAILED")]),
        reason: Type.String({
          maxLength: 4_096,
          description: "Begins with the code; of a failure, with the end of the log.",
        }),
        physicalId: text,
        data: Type.Record(Type.String(), text, { description: "What `Fn::GetAtt` returns." }),
      },
      { description: "What CloudFormation was sent." },
    ),
  ),
});
export type CustomResourceRun = View<typeof CustomResourceRun>;

import { Type } from "typebox";

/** What deployers have written into documents while they worked. Passed over, whatever it says. */
const written = { readOnly: true } as const;

const Texts = Type.Array(Type.String());

/** Keys of the release that the deployer sets: clients that send them back are not refused. */
export const RELEASE_SERVER_FIELDS = {
  uuid: Type.Optional(Type.String(written)),
  started_at: Type.Optional(Type.String({ ...written, format: "date-time" })),
  error: Type.Optional(
    Type.Object(
      { Error: Type.Optional(Type.String()), Cause: Type.Optional(Type.String()) },
      { ...written, additionalProperties: false },
    ),
  ),
  success: Type.Optional(Type.Boolean(written)),
  healthy: Type.Optional(Type.Boolean(written)),
  wait_for_healthy: Type.Optional(Type.Integer(written)),
  wait_for_detach: Type.Optional(Type.Integer(written)),
  Task: Type.Optional(Type.Unknown(written)),
} as const;

/** Keys of a service that the deployer sets. */
export const SERVICE_SERVER_FIELDS = {
  service_name: Type.Optional(Type.String({ ...written, description: "Always the service's key." })),
  resources: Type.Optional(
    Type.Object(
      {
        image: Type.Optional(Type.String()),
        profile_arn: Type.Optional(Type.String()),
        prev_asg_arn: Type.Optional(Type.String()),
        security_groups: Type.Optional(Texts),
        elbs: Type.Optional(Texts),
        target_group_arns: Type.Optional(Texts),
        subnets: Type.Optional(Texts),
      },
      { ...written, additionalProperties: false },
    ),
  ),
  created_asg: Type.Optional(Type.String(written)),
  previous_desired_capacity: Type.Optional(Type.Integer(written)),
  healthy_report: Type.Optional(
    Type.Object(
      {
        target_healthy: Type.Optional(Type.Integer()),
        target_launched: Type.Optional(Type.Integer()),
        healthy: Type.Optional(Type.Integer()),
        launching: Type.Optional(Type.Integer()),
        terminating: Type.Optional(Type.Integer()),
        terminating_ids: Type.Optional(Texts),
        desired_capacity: Type.Optional(Type.Integer()),
        min_size: Type.Optional(Type.Integer()),
      },
      { ...written, additionalProperties: false },
    ),
  ),
  Healthy: Type.Optional(Type.Boolean(written)),
} as const;

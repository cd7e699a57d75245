import { type Static, Type } from "typebox";
import { email } from "./email.ts";
import { pagerDuty } from "./pagerduty.ts";
import { slack } from "./slack.ts";
import { slackApp } from "./slack-app.ts";
import { teams } from "./teams.ts";
import { webhook } from "./webhook.ts";

/** Where notifications go. */
export const Channel = Type.Union([
  webhook.schema,
  slack.schema,
  slackApp.schema,
  teams.schema,
  email.schema,
  pagerDuty.schema,
]);
export type Channel = Static<typeof Channel>;

/** All types of channels. */
export const CHANNEL_TYPES = [webhook, slack, slackApp, teams, email, pagerDuty];

/**
 * How many scaling policies, lifecycle hooks, classic load balancers and target groups a group may have, of each; it cannot be
 * raised (Amazon EC2 Auto Scaling User Guide, quotas).
 */
export const MAX_PER_GROUP = 50;

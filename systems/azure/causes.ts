import type { ArmFault } from './arm-error.ts';

/** Why Azure refused or failed, and what a person does about it. */
export interface Cause {
  remedy: string;
  /** May be gone at the next try: a second run is worth it. */
  passes: boolean;
}

interface Row extends Cause {
  codes: readonly string[];
  /** What the message says where the code says nothing: the wording of Dedicated HSM is not documented. */
  text?: RegExp;
  /** Only where the failing resource is of this kind. */
  target?: RegExp;
}

/** Codes of refusals that pass: somebody is at work on the same thing, or something that it needs is being changed. */
export const inProgress: readonly string[] = [
  'AnotherOperationInProgress',
  'RetryableError',
  'RetryableErrorDueToAnotherOperation',
  'ReferencedResourceNotProvisioned',
  'OperationPreempted',
  'CanceledAndSupersededDueToAnotherOperation',
];

/** The code of an answer that has none of ARM’s. */
export const notAzure = 'not an answer of Azure';

const hsm = /\/dedicatedHSMs\//i;

/** What a refusal without a reason means. */
export const missingRole: Cause = { remedy: 'Give this service’s identity the role that docs/run-on-azure.md lists, then retry.', passes: false };
const other: Cause = { remedy: 'Mend what Azure names, then retry.', passes: false };

/** The first row that fits counts. */
const rows: readonly Row[] = [
  {
    codes: ['RequestDisallowedByPolicy', 'RequestDisallowedByAzure', 'PolicyViolation'],
    text: /disallowed by (azure )?polic/i,
    remedy: 'Ask the owner of the policy for an exemption, or send a request that meets it; then retry.',
    passes: false,
  },
  {
    codes: ['ScopeLocked', 'ReadOnlyDisabledSubscription'],
    text: /\block(s|ed)?\b.*(delete|write|perform)|because following scope/i,
    remedy: 'Remove the lock from the resource or its group, or ask its owner to; then retry.',
    passes: false,
  },
  {
    codes: ['ExpiredAuthenticationToken', 'InvalidAuthenticationToken', 'InvalidAuthenticationTokenTenant', 'AuthenticationFailed'],
    remedy: 'Check this host’s clock and the identity of this service; retry signs in anew, with a managed identity once the worker was started anew.',
    passes: false,
  },
  {
    codes: ['ResourcePurchaseValidationFailed', 'MarketplacePurchaseEligibilityFailed', 'PurchaseEligibilityFailed', 'VMMarketplaceInvalidInput'],
    remedy: 'Let the subscription’s owner accept the image’s terms and allow its purchase, or name another image in a new request; then retry.',
    passes: false,
  },
  {
    codes: ['PlatformImageNotFound', 'ImageNotFound', 'GalleryImageNotFound', 'ImageVersionDeprecated'],
    remedy: 'Name an image that Azure offers in a new request.',
    passes: false,
  },
  {
    codes: ['SubscriptionNotFound', 'InvalidSubscriptionId', 'TenantNotFound'],
    remedy: 'Check the request’s subscription and cloud, and that this service’s identity has a role in that subscription; send a right request, or retry.',
    passes: false,
  },
  {
    codes: [notAzure],
    remedy: 'Something between this service and Azure answered: check HSM_PROXY, the firewall and, if set, HSM_ARM_ENDPOINT; then retry.',
    passes: false,
  },
  {
    codes: [
      'MissingSubscriptionRegistration',
      'SubscriptionNotRegisteredForFeature',
      'FeatureNotEnabled',
      'NoRegisteredProviderFound',
      'InvalidResourceType',
      'InvalidResourceNamespace',
    ],
    remedy: 'Register the feature or the provider that Azure names for the subscription; then retry.',
    passes: false,
  },
  { codes: ['AuthorizationFailed', 'LinkedAuthorizationFailed', 'LinkedAccessCheckFailed'], ...missingRole },
  {
    codes: ['QuotaExceeded', 'PublicIPCountLimitReached', 'ResourceCountExceedsLimitDueToTemplate', 'DeploymentQuotaExceeded'],
    text: /quota/i,
    remedy: 'Free what counts against the quota (of HSMs: 2 a stamp, 4 a region, failed ones too) or ask Microsoft for more; then retry.',
    passes: false,
  },
  {
    codes: ['AllocationFailed', 'ZonalAllocationFailed', 'OverconstrainedAllocationRequest', 'OverconstrainedZonalAllocationRequest', 'SkuNotAvailable'],
    text: /\bcapacity\b/i,
    remedy: 'Azure has none free at present: retry later, or ask for another stamp, size or region in a new request.',
    passes: true,
  },
  { codes: inProgress, remedy: 'Somebody changes the same network: retry when that has ended.', passes: true },
  {
    codes: [],
    text: /delegat/i,
    remedy: 'Delegate the HSM’s subnet to Microsoft.HardwareSecurityModules/dedicatedHSMs, then retry.',
    passes: false,
  },
  {
    codes: [],
    text: /gateway/i,
    target: hsm,
    remedy: 'Wait until the network’s ExpressRoute gateway is Succeeded, then retry.',
    passes: true,
  },
];

export function causeOf({ code, message, target = '' }: ArmFault, otherwise = other): Cause {
  const known = (row: Row) => row.codes.some((one) => one.toLowerCase() === code.toLowerCase());
  const worded = (row: Row) => row.text?.test(message) === true && (row.target === undefined || row.target.test(target));
  return rows.find(known) ?? rows.find(worded) ?? otherwise;
}

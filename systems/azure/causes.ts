import type { CodeOf } from '../../domain/failure-codes.ts';
import type { ArmFault } from './arm-error.ts';

/** Why Azure refused or failed, and what a person does about it. */
export interface Cause {
  code: CodeOf<'Refused'>;
  remedy: string;
  /** May be gone at the next try: a second run is worth it. */
  passes: boolean;
}

interface Row extends Cause {
  codes: readonly string[];
  /** What the message says where the code says nothing: the wording of Dedicated HSM is not documented (docs/reference/azure.md#hsm-failures). */
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
export const missingRole: Cause = {
  code: 'AZURE_NOT_AUTHORIZED',
  remedy: 'Give this service’s identity the role that docs/run-on-azure.md lists, then retry.',
  passes: false,
};
const other: Cause = { code: 'AZURE_REQUEST_REFUSED', remedy: 'Fix what Azure names, then retry.', passes: false };

/** The first row that fits counts. */
const rows: readonly Row[] = [
  {
    codes: ['RequestDisallowedByPolicy', 'RequestDisallowedByAzure', 'PolicyViolation'],
    text: /disallowed by (azure )?polic/i,
    code: 'AZURE_POLICY_DISALLOWS',
    remedy:
      'Ask the owner of the policy for an exemption, then retry; or meet it: by an amendment with the retry, or, where a step used the field, by an abort and another request.',
    passes: false,
  },
  {
    codes: ['ScopeLocked', 'ReadOnlyDisabledSubscription'],
    text: /\block(s|ed)?\b.*(delete|write|perform)|because following scope/i,
    code: 'AZURE_LOCKED',
    remedy: 'Remove the lock from the resource or its group, or ask its owner to; then retry.',
    passes: false,
  },
  {
    codes: ['ExpiredAuthenticationToken', 'InvalidAuthenticationToken', 'InvalidAuthenticationTokenTenant', 'AuthenticationFailed'],
    code: 'AZURE_SIGN_IN_REFUSED',
    remedy: 'Check this host’s clock and the identity of this service. Retrying signs in again; with a managed identity, restart the worker first.',
    passes: false,
  },
  {
    codes: ['ResourcePurchaseValidationFailed', 'MarketplacePurchaseEligibilityFailed', 'PurchaseEligibilityFailed', 'VMMarketplaceInvalidInput'],
    code: 'AZURE_TERMS_NOT_ACCEPTED',
    remedy:
      'Let the subscription’s owner accept the image’s terms and allow its purchase, then retry; or abort, and send the request again with another image.',
    passes: false,
  },
  {
    codes: ['PlatformImageNotFound', 'ImageNotFound', 'GalleryImageNotFound', 'ImageVersionDeprecated'],
    code: 'AZURE_NOT_OFFERED',
    remedy: 'Abort, and send the request again with an image that Azure offers.',
    passes: false,
  },
  {
    codes: ['SubscriptionNotFound', 'InvalidSubscriptionId', 'TenantNotFound'],
    code: 'AZURE_SUBSCRIPTION_NOT_FOUND',
    remedy:
      'Check that this service’s identity has a role in the subscription, then retry. If the request’s subscription or cloud is wrong, abort and send another one.',
    passes: false,
  },
  {
    codes: [notAzure],
    code: 'AZURE_FOREIGN_ANSWER',
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
    code: 'AZURE_NOT_REGISTERED',
    remedy: 'Register the feature or the provider that Azure names for the subscription; then retry.',
    passes: false,
  },
  { codes: ['AuthorizationFailed', 'LinkedAuthorizationFailed', 'LinkedAccessCheckFailed'], ...missingRole },
  {
    codes: ['QuotaExceeded', 'PublicIPCountLimitReached', 'ResourceCountExceedsLimitDueToTemplate', 'DeploymentQuotaExceeded'],
    text: /quota/i,
    code: 'AZURE_QUOTA_EXCEEDED',
    remedy: 'Free what counts against the quota (of HSMs: 2 a stamp, 4 a region, failed ones too) or ask Microsoft for more; then retry.',
    passes: false,
  },
  {
    codes: ['AllocationFailed', 'ZonalAllocationFailed', 'OverconstrainedAllocationRequest', 'OverconstrainedZonalAllocationRequest', 'SkuNotAvailable'],
    text: /\bcapacity\b/i,
    code: 'AZURE_NO_CAPACITY',
    remedy:
      'Azure has none free at present: retry later, or with an amendment of /hsm/stamp, /lunaClient/size or /cipherTrust/size. For another region, abort and send the request again.',
    passes: true,
  },
  { codes: inProgress, code: 'AZURE_BUSY', remedy: 'Another operation is modifying this network. Retry when it finishes.', passes: true },
  {
    codes: [],
    text: /delegat/i,
    code: 'AZURE_RESOURCE_MISMATCH',
    remedy: 'Delegate the HSM’s subnet to Microsoft.HardwareSecurityModules/dedicatedHSMs, then retry.',
    passes: false,
  },
  {
    codes: [],
    text: /gateway/i,
    target: hsm,
    code: 'AZURE_GATEWAY_UNSUITABLE',
    remedy: 'Wait until the network’s ExpressRoute gateway is Succeeded, then retry.',
    passes: true,
  },
];

export function causeOf({ code, message, target = '' }: ArmFault, otherwise = other): Cause {
  const known = (row: Row) => row.codes.some((one) => one.toLowerCase() === code.toLowerCase());
  const worded = (row: Row) => row.text?.test(message) === true && (row.target === undefined || row.target.test(target));
  return rows.find(known) ?? rows.find(worded) ?? otherwise;
}

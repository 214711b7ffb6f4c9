import type { Static } from 'typebox';
import type { ProvisioningRequest as schema, secretReference, template } from './request-schema.ts';

/** What a person decides. Never holds a secret: passwords are generated, everything else is a `{ "secret": name }`. */
export type ProvisioningRequest = Omit<Static<typeof schema>, '$schema'>;
export type TemplateSource = Static<typeof template>;
export type SecretReference = Static<typeof secretReference>;

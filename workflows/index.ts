/** Every workflow that a worker hosts. */
export { planWhatIf } from './plan-what-if.ts';
export { provision } from './procedures/provision.ts';

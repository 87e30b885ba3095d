/**
 * A client for the Easemob IM / Agora Chat service: {@link io.libeim.Client} is one user, {@link io.libeim.Message} what
 * is said, {@link io.libeim.EventHandler} what is told, {@link io.libeim.Sandbox} a service for tests.
 */
package io.libeim;
